/** Whether a text fits a pattern in which `*` is any text and, unless `starOnly`, `?` any character. Walks both once, so that no pattern takes long. */
export function like(pattern: string, text: string, starOnly = false): boolean {
  let [i, j, star, mark] = [0, 0, -1, 0];
  while (j < text.length) {
    if (i < pattern.length && pattern[i] === '*') [star, mark, i] = [i, j, i + 1];
    else if (i < pattern.length && ((pattern[i] === '?' && !starOnly) || pattern[i] === text[j])) [i, j] = [i + 1, j + 1];
    else if (star >= 0) [i, mark, j] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  while (pattern[i] === '*') i++;
  return i === pattern.length;
}
