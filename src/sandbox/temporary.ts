import type { ConfineStep } from '../runtimes/protocol.ts';
import { outermost, within } from './visibility.ts';

const TMP = '/tmp';

/** An empty /tmp of its own, as large as the function's ephemeral storage, with only those needed paths in it that happen to lie there. */
export function privateTmp(sizeMb: number, needed: readonly string[]): ConfineStep & { readonly op: 'mask' } {
  return { op: 'mask', target: TMP, sizeMb, mode: 0o1777, keep: outermost(needed.filter((path) => path !== TMP && within(TMP, path))) };
}

/** Where /tmp can't be private: what asks for a temporary directory gets one of its own; what names /tmp still shares it. */
export function temporaryDirectory(path: string): ConfineStep {
  return { op: 'environment', name: 'TMPDIR', value: path };
}
