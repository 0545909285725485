/** The longest common subsequence of two sequences, 32 cells of its table at a time (Hyyrö's bit-parallel form). */

const BITS = 32;
const ALL = 0xffffffff;

/** For each symbol, a bit for each place where the sequence has it. */
function placesOf(sequence: Int32Array, width: number): Map<number, Uint32Array> {
  const places = new Map<number, Uint32Array>();
  sequence.forEach((symbol, place) => {
    const bits = places.get(symbol) ?? new Uint32Array(width);
    bits[place >>> 5] = (bits[place >>> 5] ?? 0) | (1 << (place & 31));
    places.set(symbol, bits);
  });
  return places;
}

/** The table's rows: bit j of row i is clear where `a[j]` adds to what `b[0..i]` and `a[0..j]` have in common. */
function rowsOf(a: Int32Array, b: Int32Array, width: number): Uint32Array[] {
  const places = placesOf(a, width);
  const rows: Uint32Array[] = [];
  let before = new Uint32Array(width).fill(ALL);
  b.forEach((symbol) => {
    const bits = places.get(symbol);
    const row = bits === undefined ? before : nextRow(before, bits);
    rows.push(row);
    before = row;
  });
  return rows;
}

function nextRow(before: Uint32Array<ArrayBuffer>, bits: Uint32Array): Uint32Array<ArrayBuffer> {
  const row = new Uint32Array(before.length);
  let carry = 0;
  for (let index = 0; index < row.length; index += 1) {
    const old = before[index] ?? 0;
    const matches = (old & (bits[index] ?? 0)) >>> 0;
    const sum = old + matches + carry;
    carry = sum > ALL ? 1 : 0;
    row[index] = (sum | (old & ~matches)) >>> 0;
  }
  return row;
}

function isSet(row: Uint32Array | undefined, place: number): boolean {
  return (((row?.[place >>> 5] ?? 0) >>> (place & 31)) & 1) === 1;
}

/** Pairs of places, one in `a` and one in `b`, of a longest common subsequence; O(n·m / 32) in time and memory. */
export function align(a: Int32Array, b: Int32Array): [number, number][] {
  const rows = rowsOf(a, b, Math.ceil(a.length / BITS));
  const pairs: [number, number][] = [];
  let inA = a.length;
  let inB = b.length;
  while (inA > 0 && inB > 0) {
    if (isSet(rows[inB - 1], inA - 1)) inA -= 1;
    else if (inB > 1 && !isSet(rows[inB - 2], inA - 1)) inB -= 1;
    else {
      inA -= 1;
      inB -= 1;
      pairs.push([inA, inB]);
    }
  }
  return pairs.reverse();
}
