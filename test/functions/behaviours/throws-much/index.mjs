// Throws an error with a very long message, and with a very long name: as its module is loaded when the environment says so, else half-way through its answer.
const MUCH = 3_000_000;

function much(text) {
  const error = new Error(text.repeat(MUCH / text.length));
  error.name = 'Much'.repeat(MUCH / 4);
  return error;
}

if (process.env.TEXT !== undefined) throw much(process.env.TEXT);

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('begun');
  await new Promise((resolve) => setImmediate(resolve));
  throw much(event.text);
});
