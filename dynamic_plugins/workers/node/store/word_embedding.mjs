/**
 * Embeddings without a model: texts are near one another as far as they share words and parts of words.
 *
 * Without embeddings, plugins that keep knowledge find nothing, and most tell success all the same; a core of 0.x would
 * download a model. A plugin's own TEXT_EMBEDDING goes before this one.
 */

const DIMENSIONS = 384 // what 0.x expects of its own local model
const LONG_WORD = 7 // short ones are mostly "the", "of" and "is"
const PART_LENGTH = 4
const PART_WEIGHT = 0.4
// Plugins take a first number of 0 for an embedding that has failed.
const FIRST = 0.01

/**
 * Return the embedding of *text*, of length 1.
 * @param {string} text
 * @returns {number[]}
 */
export function wordEmbedding(text) {
  const vector = new Array(DIMENSIONS).fill(0)
  vector[0] = FIRST
  for (const word of String(text).toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    add(vector, word, Math.min(word.length, LONG_WORD) / LONG_WORD)
    // With their ends, so that "fruit" is near "fruits".
    for (let at = 0; at + PART_LENGTH <= word.length; at++) add(vector, word.slice(at, at + PART_LENGTH), PART_WEIGHT)
  }
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

/**
 * The handler of elizaOS' model TEXT_EMBEDDING: of a text, of `{text}`, of `{texts}` a list. The core asks it about
 * nothing, to learn its length.
 */
export async function embeddingModel(_runtime, params) {
  if (Array.isArray(params?.texts)) return params.texts.map(wordEmbedding)
  return wordEmbedding(typeof params === 'string' ? params : params?.text ?? '')
}

/**
 * Return how alike two embeddings are, -1 to 1; 0 where they cannot be compared.
 * @param {ArrayLike<number> | undefined} one
 * @param {ArrayLike<number> | undefined} other
 */
export function similarity(one, other) {
  if (!one?.length || one.length !== other?.length) return 0
  let product = 0
  let ofOne = 0
  let ofOther = 0
  for (let i = 0; i < one.length; i++) {
    product += one[i] * other[i]
    ofOne += one[i] ** 2
    ofOther += other[i] ** 2
  }
  return ofOne && ofOther ? product / Math.sqrt(ofOne * ofOther) : 0
}

function add(vector, feature, weight) {
  const hash = fnv1a(feature)
  // The sign keeps two features that share a place from always adding up.
  vector[1 + (hash % (DIMENSIONS - 1))] += hash & 0x40000000 ? -weight : weight
}

function fnv1a(text) {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
