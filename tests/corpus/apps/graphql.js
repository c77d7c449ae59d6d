// https://graphql.org/graphql-js/: a schema, queries, variables, errors.
import { buildSchema, graphql } from "graphql";

const schema = buildSchema(`
  type Person { name: String!, age(inMonths: Boolean = false): Int!, friends: [Person!]! }
  type Query { hello: String, person(name: String!): Person, fails: String }
`);
const people = { ada: { name: "Ada", years: 36, knows: ["bob"] }, bob: { name: "Bob", years: 40, knows: ["ada"] } };
const toPerson = ({ name, years, knows }) => ({
  name,
  age: ({ inMonths }) => (inMonths ? years * 12 : years),
  friends: async () => knows.map((key) => toPerson(people[key])),
});
const rootValue = {
  hello: () => "Hello world!",
  person: ({ name }) => people[name] && toPerson(people[name]),
  fails: () => {
    throw new Error("on purpose");
  },
};

export default {
  async fetch(request) {
    const { query, variables } = await request.json();
    return Response.json(await graphql({ schema, source: query, rootValue, variableValues: variables }));
  },
};
