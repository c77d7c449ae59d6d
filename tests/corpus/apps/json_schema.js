// https://github.com/cfworker/cfworker/tree/main/packages/json-schema: a validator that needs no eval.
import { Validator } from "@cfworker/json-schema";

const validator = new Validator(
  {
    type: "object",
    required: ["name", "email"],
    properties: {
      name: { type: "string", minLength: 2 },
      email: { type: "string", format: "email" },
      age: { type: "integer", minimum: 0 },
      tags: { type: "array", items: { $ref: "#/$defs/tag" }, uniqueItems: true },
    },
    additionalProperties: false,
    $defs: { tag: { enum: ["a", "b"] } },
  },
  "2020-12",
  false,
);

export default {
  async fetch(request) {
    const { valid, errors } = validator.validate(await request.json());
    const where = [...new Set(errors.map(({ instanceLocation }) => instanceLocation))].sort();
    return Response.json({ valid, where }, { status: valid ? 200 : 400 });
  },
};
