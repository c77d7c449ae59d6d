// https://github.com/ai/nanoid and https://github.com/uuidjs/uuid
import { customAlphabet, nanoid } from "nanoid";
import { NIL, parse, stringify, v4, v5, v7, validate, version } from "uuid";

export default {
  fetch() {
    const many = new Set(Array.from({ length: 1000 }, () => nanoid()));
    return Response.json({
      nanoid: [nanoid().length, nanoid(10).length, many.size],
      custom: /^[abc]{5}$/.test(customAlphabet("abc", 5)()),
      v4: [validate(v4()), version(v4())],
      v5: v5("hello.example.com", v5.DNS),
      v7: version(v7()),
      nil: [NIL, validate("nonsense")],
      bytes: stringify(parse("6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b")),
    });
  },
};
