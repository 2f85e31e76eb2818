import { Catalogue, parseRuntime, runtimeName } from '../src/runtimes/catalogue.ts';
import { thisMachine } from '../src/runtimes/interpreters.ts';

const here = new Catalogue(thisMachine(process.env));

/**
 * What a function that names a runtime is deployed for: that one, or the first other release of its language where that one is not installed; a benchmark is of
 * what there is. Rejects with InterpreterNotFound when there is none.
 */
export async function runtimeHere(wanted: string, installed: Pick<Catalogue, 'resolve' | 'list'> = here): Promise<string> {
  const language = parseRuntime(wanted)?.language;
  if (language === undefined) return wanted;
  try {
    await installed.resolve(wanted);
    return wanted;
  } catch (error) {
    const [other] = await installed.list(language);
    if (other === undefined) throw error;
    return runtimeName(other);
  }
}
