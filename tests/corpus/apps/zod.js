// https://zod.dev/: schemas, inference of unions, transforms, errors.
import * as z from "zod";

const Order = z.object({
  id: z.uuid(),
  email: z.email(),
  count: z.coerce.number().int().positive(),
  tags: z.array(z.string().trim().toLowerCase()).default([]),
  payment: z.discriminatedUnion("type", [
    z.object({ type: z.literal("card"), number: z.string().regex(/^\d{4}$/) }),
    z.object({ type: z.literal("invoice") }),
  ]),
});

export default {
  async fetch(request) {
    const result = Order.safeParse(await request.json());
    if (result.success) return Response.json(result.data);
    return Response.json(result.error.issues.map(({ path }) => path.join(".")), { status: 422 });
  },
};
