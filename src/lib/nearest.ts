/** The candidate that `word` most likely was meant to be, or null when none is near: for "did you mean". */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.floor(Math.max(word.length, 3) / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // Of two that are as near, what the word begins: nodejs20 is nodejs20.x, and not nodejs.
    if (distance < bestDistance || (distance === bestDistance && best !== null && begins(word, candidate) && !begins(word, best))) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? candidates.find((c) => begins(word, c) && word.length > 2) ?? null;
}

function begins(word: string, candidate: string): boolean {
  return candidate.toLowerCase().startsWith(word.toLowerCase());
}

/** Levenshtein's distance, one row at a time; a swap of two neighbours counts as two. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
