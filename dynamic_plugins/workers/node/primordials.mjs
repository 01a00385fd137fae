/**
 * What the protocol needs of the language, taken before a plugin is imported: one that replaces `Array.prototype.map`
 * or adds to `Object.prototype` changes its own world, not our answers.
 */

const { call } = Function.prototype

/** Make `slice(text, 0, 5)` of `String.prototype.slice`. */
const free = (method) => call.bind(method)

export const { parse: parseJson, stringify: jsonString } = JSON
export const { isArray } = Array
export const { isFinite } = Number
export const { create, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, keys } = Object
export const { now } = Date
export const later = globalThis.setTimeout

export const textOf = String
export const indexOf = free(String.prototype.indexOf)
export const slice = free(String.prototype.slice)
export const trim = free(String.prototype.trim)
export const replaceText = free(String.prototype.replace)
export const functionSource = free(Function.prototype.toString)
export const isoDate = free(Date.prototype.toISOString)
export const bigintText = free(BigInt.prototype.toString)

const mapEach = free(Map.prototype.forEach)
const setEach = free(Set.prototype.forEach)

/** Return the `[key, value]` pairs of a Map. */
export function mapEntries(map) {
  const found = []
  mapEach(map, (value, key) => { found[found.length] = [key, value] })
  return found
}

/** Return the values of a Set. */
export function setValues(set) {
  const found = []
  setEach(set, (value) => { found[found.length] = value })
  return found
}

/** Return an object's own property; undefined where it has none, whatever its prototypes hold. */
export const own = (object, name) => (object !== null && object !== undefined && hasOwn(object, name) ? object[name] : undefined)
