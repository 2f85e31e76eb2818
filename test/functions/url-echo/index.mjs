/** A function URL that sends back the bytes it got, and what it saw of the request. */
export const handler = async (event) => {
  const body = event.body === undefined ? Buffer.alloc(0) : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  if (event.rawPath === '/size') return { bytes: body.length, isBase64Encoded: event.isBase64Encoded };
  if (event.rawPath === '/see') return { event };
  if (event.rawPath === '/throw') throw new Error('secret');
  return {
    statusCode: 201,
    headers: { 'content-type': event.headers['content-type'] ?? 'text/plain', 'x-path': event.rawPath },
    cookies: ['a=1; Path=/', 'b=2'],
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
};
