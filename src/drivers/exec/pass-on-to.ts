import { request, type IncomingMessage, type ServerResponse } from 'node:http';

/** Passes a request on to another server of this machine, `HOST:PORT`, and the answer back as it comes. Rejects when that server has gone; what one side breaks off is broken off on the other. */
export function passOnTo(address: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const onward = request({ host, port, path: req.url, method: req.method, headers: req.headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
      answer.once('error', reject);
    });
    onward.once('error', reject);
    res.once('close', () => {
      onward.destroy();
      resolve();
    });
    req.pipe(onward);
  });
}
