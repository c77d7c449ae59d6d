// https://kysely.dev/: queries are compiled, and run by a driver of the app's own.
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from "kysely";

class Driver extends DummyDriver {
  async acquireConnection() {
    return {
      executeQuery: async ({ sql: text, parameters }) => ({ rows: [{ text, parameters }] }),
      async *streamQuery() {},
    };
  }
}

const db = new Kysely({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new Driver(),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

export default {
  async fetch() {
    const select = db
      .selectFrom("person")
      .innerJoin("pet", "pet.owner_id", "person.id")
      .select(["first_name", "pet.name as pet_name"])
      .where("person.id", "=", 1)
      .where(({ eb, or }) => or([eb("age", ">", 18), eb("vip", "=", true)]))
      .orderBy("first_name", "desc")
      .limit(10);
    const insert = db.insertInto("person").values({ first_name: "Jennifer", age: sql`${40} + 1` }).returning("id");
    const [ran] = await db.selectFrom("person").selectAll().where("id", "in", [1, 2]).execute();
    return Response.json([select.compile().sql, insert.compile().sql, insert.compile().parameters, ran]);
  },
};
