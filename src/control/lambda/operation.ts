import type { Artifacts } from '../../artifacts/artifacts.ts';
import type { FunctionReference } from '../function-name.ts';
import { parseReference, refuse } from '../function-name.ts';
import type { FunctionRegistry } from '../registry.ts';
import type { UpdateStates } from '../update-state.ts';
import { faultsOf, type Input, type Structure } from './shapes.ts';

/** What the operations work with. */
export interface LambdaDeps {
  readonly registry: FunctionRegistry;
  readonly artifacts: Artifacts;
  /** Keep-alive of functions made by Lambda's API, which has no word for it. */
  readonly keepAliveMs: number;
  /** How the last change of a function stands; absent: it is done with as soon as it is stored. */
  readonly updates?: UpdateStates;
  /** Most instances on this machine: the account's concurrency. */
  readonly instances: number;
}

/** One call, taken apart. */
export interface OperationCall {
  /** Members of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; empty when there was none. */
  readonly body: Input;
  /** `http://HOST:PORT` as the caller knows this server. */
  readonly endpoint: string;
}

/** One operation of Lambda's API. Throws HearthError. */
export interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:Member` for what the path carries. */
  readonly path: string;
  /** Of a call that worked. */
  readonly status: number;
  /** The answer's document; undefined: no body. */
  run(call: OperationCall, deps: LambdaDeps): unknown;
}

/** The function that the path names, and the version that the path or the query asks for. */
export function referenceOf(call: OperationCall, deps: LambdaDeps): FunctionReference {
  return parseReference(call.params['FunctionName'] ?? '', call.query.get('Qualifier'), deps.registry.scope);
}

/** Checks the body. Throws ValidationException with every fault. */
export function checkBody(shape: Structure, body: Input): void {
  refuse(faultsOf(shape, body, ''));
}
