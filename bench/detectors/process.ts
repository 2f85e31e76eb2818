// A process per instance: `process.js HANDLER`. Answers every event that its parent sends, and ends with it.
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown) => Promise<unknown>;

process.once('disconnect', () => process.exit());
const { handler } = (await import(pathToFileURL(process.argv[2] as string).href)) as { handler: Handler };
process.on('message', (event) => {
  void handler(event).then((answer) => process.send?.(answer));
});
process.send?.('ready');
