/** What the exit code of `hearth` says. Published in docs/reference/cli.md; a number never changes its meaning. */
export const EXIT = {
  ok: 0,
  functionError: 1,
  usage: 2,
  unreachable: 3,
  throttled: 4,
  notFound: 5,
  refused: 6,
  serverError: 7,
  deployFailed: 8,
  running: 9,
  overBudget: 10,
  internal: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The text of `hearth help exit-codes`. */
export const EXIT_CODES_HELP = `Exit codes of hearth

    0  it worked; also when Ctrl-C ended something that goes on until then (up, dev, logs -f)
    1  the function answered with an error (invoke)
    2  the command line, hearth.yaml or a file it names is wrong; or a question needs a terminal
    3  no server answers, or the connection broke
    4  throttled: the function or the machine is at its limit; try again later
    5  there is no such function
    6  the server refused the request
    7  the server failed
    8  a build or an init phase failed (deploy)
    9  a server is running already (up)
   10  an init phase takes longer than --init-budget, or failed under it (deploy)
   70  a fault in hearth itself
  130  interrupted
`;
