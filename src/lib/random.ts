/** A number in [0, 1), each as likely as any other. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
