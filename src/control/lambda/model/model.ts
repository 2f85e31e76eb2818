import { readFileSync } from 'node:fs';

/** An operation of an API: how it is called, and the shapes of what goes in and comes out. */
export interface OperationModel {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `{Member}` for what the path carries; a query here tells operations of one path apart. */
  readonly uri: string;
  /** Of an answer that is no error. */
  readonly status: number;
  readonly input?: string;
  readonly output?: string;
  /** Codes of the errors it may answer. */
  readonly errors: readonly string[];
}

type Place = 'uri' | 'querystring' | 'header' | 'statusCode';

/** A member of a structure: a shape in the body, or one that lies elsewhere in the message. */
export type MemberModel = string | { readonly shape: string; readonly location: Place; readonly name?: string };

export interface ShapeModel {
  readonly type: 'structure' | 'list' | 'map' | 'string' | 'integer' | 'long' | 'double' | 'boolean' | 'blob' | 'timestamp';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** What it holds is told to nobody, in no message. */
  readonly sensitive?: boolean;
  readonly required?: readonly string[];
  /** The member that is the whole body. */
  readonly payload?: string;
  readonly member?: string;
  readonly key?: string;
  readonly value?: string;
  readonly members?: Readonly<Record<string, MemberModel>>;
}

/** What Hearth needs of AWS's own model of an API. */
export interface ApiModel {
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly shapes: Readonly<Record<string, ShapeModel>>;
  readonly errors: Readonly<Record<string, { readonly status: number; readonly text: 'message' | 'Message' }>>;
}

/** Not compiled, so that they are read from the source tree: dist/src/control/lambda/model is as deep below the root as it is there. */
const CONTROL = new URL('../../../../../src/control/', import.meta.url);

/** A model that scripts/lambda-model.mjs made, by its path below src/control. */
export function modelIn(path: string): ApiModel {
  return JSON.parse(readFileSync(new URL(path, CONTROL), 'utf8')) as ApiModel;
}

/** Lambda's API. */
export const LAMBDA: ApiModel = modelIn('lambda/model/lambda.json');

/** A shape by its name. Throws Error: the model is whole. */
export function shapeNamed(name: string, model: ApiModel = LAMBDA): ShapeModel {
  const shape = model.shapes[name];
  if (shape === undefined) throw new Error(`the model has no shape ${name}`);
  return shape;
}

export function shapeOf(member: MemberModel): string {
  return typeof member === 'string' ? member : member.shape;
}

/** Where a member lies; null: in the body. */
export function placeOf(member: MemberModel): { readonly location: Place; readonly name: string } | null {
  return typeof member === 'string' ? null : { location: member.location, name: member.name ?? '' };
}
