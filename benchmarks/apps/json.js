// Parse what comes, change it, send it back.
export default {
  async fetch(request) {
    const document = await request.json();
    document.items[0].seen = true;
    return Response.json(document);
  },
};
