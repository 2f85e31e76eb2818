// functions-framework's signature.
exports.echo = (request, response) => {
  response.json(request.body);
};
