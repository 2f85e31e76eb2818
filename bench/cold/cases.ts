import { readFileSync } from 'node:fs';
import { chosen, type Options } from '../options.ts';
import { inRepository } from '../paths.ts';
import { type Rung, RUNGS } from './series.ts';

const GROUPS = ['plain', 'picture', 'state', 'children', 'load'] as const;
type Group = (typeof GROUPS)[number];

/** What a row is taken of: one function, from one rung, in certain circumstances. */
export interface Case {
  readonly group: Group;
  readonly function: string;
  readonly rung: Rung;
  /** What the function holds beside its code. */
  readonly stateMb: number;
  readonly stateKind: 'none' | 'anonymous' | 'file';
  /** Instances of the same parent that are busy meanwhile. */
  readonly children: number;
  /** Share of every core that something else uses meanwhile. */
  readonly load: number;
  readonly event: 'empty' | 'picture';
}

const HELLO = ['hello-node', 'hello-python'];
const DETECTORS = ['detect', 'detect-python'];
const STATE_MB = [50, 200, 1_000];
const CHILDREN = 1_000;
const LOAD = 0.5;

/** A photograph as its bytes, so that the time for handing it over is in. */
const picture = (): unknown => ({ image: readFileSync(inRepository('examples/pictures/coffee.png')).toString('base64') });

/** An event that the examples answer at once: the detectors say that a picture is missing. */
export const eventOf = (of: Case): unknown => (of.event === 'picture' ? picture() : {});

/** All rows there are, in the order they are made: what one function needs lies together. */
export function allCases(children = CHILDREN): Case[] {
  const row = (group: Group, name: string, changes: Partial<Case> = {}): Case => ({
    group,
    function: name,
    rung: 'snapshot',
    stateMb: 0,
    stateKind: 'none',
    children: 0,
    load: 0,
    event: 'empty',
    ...changes,
  });
  const state = (name: string, stateMb: number, stateKind: 'anonymous' | 'file'): Case => row('state', name, { stateMb, stateKind });
  return [
    ...[...HELLO, ...DETECTORS].flatMap((name) => RUNGS.map((rung) => row('plain', name, { rung }))),
    ...DETECTORS.map((name) => row('picture', name, { event: 'picture' })),
    ...HELLO.flatMap((name) => STATE_MB.map((stateMb) => state(name, stateMb, 'anonymous'))),
    state('hello-python', 1_000, 'file'),
    // What a Node.js function can do: Node.js itself maps no files, onnxruntime does.
    state('state-onnx', 1_000, 'anonymous'),
    state('state-onnx', 1_000, 'file'),
    ...[...HELLO, ...DETECTORS].map((name) => row('load', name, { load: LOAD })),
    ...HELLO.map((name) => row('children', name, { children })),
  ];
}

/** Those rows that were asked for. Throws Misunderstood. */
export function wantedCases({ cases, only, rungs, count }: Pick<Options, 'cases' | 'only' | 'rungs' | 'count'>): Case[] {
  const all = allCases(count ?? undefined);
  const groups = chosen('cases', cases, GROUPS);
  const names = chosen('only', only, [...new Set(all.map((row) => row.function))]);
  const from = chosen('rungs', rungs, RUNGS);
  return all.filter((row) => groups.includes(row.group) && names.includes(row.function) && from.includes(row.rung));
}
