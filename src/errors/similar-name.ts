/**
 * Finds the name that was probably meant: at most two letters differ, and at most a third of the name. The case of
 * letters does not count.
 */
export function similarName(text: string, names: readonly string[]): string | undefined {
  const [closest] = names
    .map((name) => ({ name, edits: countEdits(text.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.min(2, name.length / 3))
    .toSorted((one, other) => one.edits - other.edits);
  return closest?.name;
}

/** Counts the letters to insert, delete or replace (the Levenshtein distance). */
function countEdits(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = previous[column - 1] + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column] + 1, current[column - 1] + 1));
    }
    previous = current;
  }
  return previous[to.length];
}
