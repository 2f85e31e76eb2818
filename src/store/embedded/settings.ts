/** What must hold, given on the command line so that no edited file changes it. */
const FIXED: Readonly<Record<string, string>> = {
  listen_addresses: '', // a Unix socket only: nobody comes in over the network
  port: '5432', // part of the socket's name
  unix_socket_permissions: '0777', // who may come near is the folder's to say: the data's lets nobody pass, that of functions lets them
  logging_collector: 'off',
  log_destination: 'stderr', // where readiness is announced
  log_line_prefix: '',
  lc_messages: 'C',
  cluster_name: 'hearth',
  wal_level: 'logical', // changes of tables trigger functions
  max_replication_slots: '64', // one for each trigger on changes
  max_wal_senders: '64',
  fsync: 'on',
  timezone: 'UTC',
};

/** What suits a small machine, written into postgresql.conf when the data is made; there for its owner to change. */
const INITIAL: Readonly<Record<string, string>> = {
  shared_buffers: '64MB',
  max_connections: '60',
  max_wal_size: '512MB',
  max_slot_wal_keep_size: '1GB', // a consumer that stays away loses its place before the disk is full
  max_worker_processes: '4',
  autovacuum_max_workers: '2',
  jit: 'off',
  log_checkpoints: 'off',
};

export function serverArguments(): string[] {
  return Object.entries(FIXED).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** UTF-8 by code point from PostgreSQL's own provider: the order of text does not change with the system's libraries. */
export function initArguments(): string[] {
  return [
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=scram-sha-256',
    '--no-instructions',
    '--no-sync', // done apart: see cluster.ts
    ...Object.entries(INITIAL).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}
