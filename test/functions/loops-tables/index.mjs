/** Answers with a row for each that it was given, the next one, up to MOST; before that of the row WAIT it asks the address in GATE. */
export async function handler({ Records }) {
  const { WAIT, GATE, MOST = '1000' } = process.env;
  const ids = Records.map((r) => r.after.id);
  if (WAIT !== undefined && ids.includes(Number(WAIT))) await (await fetch(GATE)).arrayBuffer();
  return ids.map((id) => ({ id: id + 1 })).filter(({ id }) => id <= Number(MOST));
}
