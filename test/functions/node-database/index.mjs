import { connect } from 'node:net';

/** Says what it was told of the database `app`, and what happens when it connects to a socket: by default the one it was told. */
export const handler = async ({ path } = {}) => {
  const url = process.env.DATABASE_URL ?? null;
  const socket = path ?? (url && `${decodeURIComponent(url.split('host=')[1])}/.s.PGSQL.5432`);
  const outcome = await new Promise((resolve) => {
    if (socket === null) return resolve('no address');
    const connection = connect(socket, () => {
      connection.destroy();
      resolve('connected');
    });
    connection.once('error', (error) => resolve(error.code));
  });
  return { url, outcome };
};
