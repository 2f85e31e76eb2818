/** Of a function's folder: what else stays out of its package. */
export const IGNORE_FILE = '.hearthignore';

/** Left out of every package: made elsewhere, installed at deploy time, or the editor's. */
export const ALWAYS_IGNORED: readonly string[] = [
  'node_modules/',
  '.git/',
  '.hg/',
  '.svn/',
  '__pycache__/',
  '.venv/',
  '.mypy_cache/',
  '.pytest_cache/',
  '.ruff_cache/',
  '.vscode/',
  '.idea/',
  '.vs/',
  '.DS_Store',
  '*.pyc',
  '*.swp',
  '*.swo',
  '*~',
  '.#*',
  IGNORE_FILE,
];

interface Rule {
  readonly pattern: RegExp;
  readonly folderOnly: boolean;
  readonly keep: boolean;
}

/** Whether a path below the folder (with `/`) stays out. The last rule that fits decides. */
export type Ignore = (path: string, isFolder: boolean) => boolean;

/**
 * Rules written as in .gitignore: `*`, `?`, `[a-z]`, `**`, a leading or inner `/` ties to the folder, a trailing `/` means
 * folders, `!` keeps what an earlier rule left out, `#` begins a remark. Below a folder that is left out, nothing is kept.
 */
export function ignoring(lines: readonly string[]): Ignore {
  const rules = lines.flatMap(parseRule);
  return (path, isFolder) => {
    let ignored = false;
    for (const rule of rules) {
      if ((isFolder || !rule.folderOnly) && rule.pattern.test(path)) ignored = !rule.keep;
    }
    return ignored;
  };
}

function parseRule(line: string): Rule[] {
  let text = line.replace(/\r$/, '').replace(/(?<!\\) +$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const keep = text.startsWith('!');
  if (keep) text = text.slice(1);
  const folderOnly = text.endsWith('/');
  if (folderOnly) text = text.slice(0, -1);
  const tied = text.includes('/');
  const glob = text.replace(/^\//, '');
  if (glob === '') return [];
  return [{ pattern: new RegExp(`^${tied ? '' : '(?:.*/)?'}${translate(glob)}$`, 's'), folderOnly, keep }];
}

function translate(glob: string): string {
  const token = /\*\*\/|\/\*\*$|\*+|\?|\[!?[^\]/]+\]|\\.|[^*?[\\/]+|[[\\/]/g;
  return glob.replace(token, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '/**') return '/.*';
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 2 && part.startsWith('['))
      return `[${part.startsWith('[!') ? '^' : ''}${escapeClass(part.replace(/^\[!?/, '').slice(0, -1))}]`;
    return escape(part.length === 2 && part.startsWith('\\') ? part.slice(1) : part);
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function escapeClass(text: string): string {
  return text.replace(/[\\\]^]/g, '\\$&');
}
