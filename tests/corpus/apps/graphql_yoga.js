// https://the-guild.dev/graphql/yoga-server/docs: as a fetch handler.
import { createSchema, createYoga } from "graphql-yoga";

const yoga = createYoga({
  schema: createSchema({
    typeDefs: /* GraphQL */ `
      type Query {
        greetings(name: String = "world"): String!
        header(name: String!): String
      }
      type Mutation {
        double(value: Int!): Int!
      }
    `,
    resolvers: {
      Query: {
        greetings: (_, { name }) => `Hello ${name}`,
        header: (_, { name }, { request }) => request.headers.get(name),
      },
      Mutation: { double: (_, { value }) => value * 2 },
    },
  }),
  logging: false,
  graphiql: false,
});

export default { fetch: yoga.fetch };
