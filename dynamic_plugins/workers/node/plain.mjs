/** What a plugin gives or raises, in a form that can be sent: values as JSON values, errors as one line. */

import { isAnyArrayBuffer, isArrayBufferView, isDate, isMap, isNativeError, isSet, isUint8Array } from 'node:util/types'
import {
  bigintText, create, functionSource, indexOf, isArray, isFinite, isoDate, jsonString, keys, mapEntries, own, setValues,
  slice, textOf, trim,
} from './primordials.mjs'

const OWN_FOLDER = import.meta.dirname ?? new URL('.', import.meta.url).pathname
const MAX_DEPTH = 30
const MAX_VALUES = 1_000_000
const MAX_ERROR_LENGTH = 2000
const NO_REASON = 'it gave no reason'
const decoder = new TextDecoder('utf-8', { fatal: true })
const decode = decoder.decode.bind(decoder)
const Bytes = Uint8Array
const numbersOf = Array.from
const objectPrototype = Object.prototype

/** An error of our own that a call raises: its text is the whole of it. */
export class ActionFailedError extends Error {}

/**
 * Return *value* as JSON: objects by their fields, bytes as text or their size, what has no form as text. Objects in it
 * have no prototype. Raises an Error where it is endless; whatever a plugin's own getters raise stays in its place.
 */
export function plain(value) {
  return plainValue(value, { path: [], count: 0 }) ?? null
}

function plainValue(value, walk) {
  if (++walk.count > MAX_VALUES) throw new ActionFailedError(`it has more than ${MAX_VALUES} values`)
  switch (typeof value) {
    case 'string': case 'boolean': return value
    case 'number': return isFinite(value) ? value : textOf(value)
    case 'bigint': return bigintText(value)
    case 'object': return value === null ? null : plainObject(value, walk)
    default: return undefined
  }
}

function plainObject(value, walk) {
  const { path } = walk
  for (let i = 0; i < path.length; i++) if (path[i] === value) return '[circular]'
  if (path.length > MAX_DEPTH) return '[too deep]'
  path[path.length] = value
  try {
    return known(value) ?? fields(value, walk)
  } catch (error) {
    if (error instanceof ActionFailedError) throw error
    return `[cannot be read: ${describeError(error)}]`
  } finally {
    path.length -= 1
  }
}

/** Return the value of what is no record of fields; undefined of all else. */
function known(value) {
  if (isNativeError(value)) return describeError(value)
  if (isDate(value)) return isFinite(+value) ? isoDate(value) : 'Invalid Date'
  if (isAnyArrayBuffer(value)) return bytesText(new Bytes(value))
  if (isUint8Array(value)) return bytesText(value)
  return undefined
}

function bytesText(bytes) {
  try {
    return decode(bytes)
  } catch {
    return { __proto__: null, type: 'binary', bytes: bytes.length }
  }
}

function fields(value, walk) {
  if (isArray(value)) return items(value, walk)
  if (isSet(value)) return items(setValues(value), walk)
  if (isMap(value)) return record(mapEntries(value), walk)
  if (isArrayBufferView(value)) return value.length === undefined ? '[binary]' : items(numbersOf(value), walk)
  // Not one that is on every object: a plugin put it there.
  if (typeof value.toJSON === 'function' && value.toJSON !== objectPrototype.toJSON) return plainValue(value.toJSON(), walk)
  const names = keys(value)
  const pairs = []
  for (let i = 0; i < names.length; i++) pairs[i] = [names[i], read(value, names[i])]
  return record(pairs, walk)
}

function read(value, name) {
  try {
    return value[name]
  } catch (error) {
    return `[cannot be read: ${describeError(error)}]`
  }
}

function items(array, walk) {
  const found = []
  for (let i = 0; i < array.length; i++) found[i] = plainValue(array[i], walk) ?? null
  return found
}

function record(pairs, walk) {
  const found = create(null)
  for (let i = 0; i < pairs.length; i++) {
    const item = plainValue(pairs[i][1], walk)
    if (item !== undefined) found[textOf(pairs[i][0])] = item
  }
  return found
}

/**
 * Return the JSON text of a value that `plain` gave, or of one of our own messages: own fields alone, and no `toJSON`
 * that a plugin may have put on a prototype.
 */
export function encode(value) {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return jsonString(value)
  if (typeof value !== 'object') return typeof value === 'number' && !isFinite(value) ? 'null' : `${value}`
  return isArray(value) ? encodedArray(value) : encodedObject(value)
}

function encodedArray(array) {
  let text = '['
  for (let i = 0; i < array.length; i++) text += `${i ? ',' : ''}${encode(array[i])}`
  return `${text}]`
}

function encodedObject(object) {
  const names = keys(object)
  let text = ''
  for (let i = 0; i < names.length; i++) {
    const item = object[names[i]]
    if (item !== undefined) text += `${text === '' ? '' : ','}${jsonString(names[i])}:${encode(item)}`
  }
  return `{${text}}`
}

/**
 * Return `TypeError: what is wrong` for whatever was raised; the name "Error" by itself says nothing and is left out.
 * Never raises.
 */
export function describeError(error) {
  try {
    return slice(described(error), 0, MAX_ERROR_LENGTH)
  } catch {
    return 'an error that cannot be read'
  }
}

function described(error) {
  if (error === null || typeof error !== 'object') return trim(textOf(error)) || NO_REASON
  const inner = own(error, 'errors')
  if (isArray(inner) && inner.length > 0) return described(inner[0]) // a group: its first error is the reason
  if (!isNativeError(error)) return trim(textOf(error.message ?? error.error ?? encode(plain(error)))) || NO_REASON
  const message = trim(textOf(error.message))
  if (error instanceof ActionFailedError) return message
  const named = error.name === 'Error' ? message || 'Error' : `${error.name}${message && `: ${message}`}`
  return named + causeOf(error, message)
}

/** Return the message of an error's cause, where its own does not hold it: ` (connect ECONNREFUSED)`. */
function causeOf(error, message) {
  const cause = own(error, 'cause')
  const text = isNativeError(cause) ? textOf(cause.message) : ''
  return text !== '' && indexOf(message, text) < 0 ? ` (${text})` : ''
}

/** Return the source text of a function; empty where it has none. */
export function sourceOf(value) {
  try {
    return functionSource(value)
  } catch {
    return ''
  }
}

/** Return ` (index.js, line 12)`: the place in a plugin's own code where an error was raised; empty where none is known. */
export function placeOf(error) {
  try {
    const lines = textOf(error.stack).split('\n')
    for (let i = 0; i < lines.length; i++) {
      // The first line of a SyntaxError is the place; the frames of all others have it in parentheses, or bare.
      const found = /(?:^|\(|at (?:async )?)(?:file:\/\/)?(\/[^()]*?):(\d+)(?::\d+)?\)?$/.exec(lines[i])
      if (found !== null && !found[1].startsWith(OWN_FOLDER)) return ` (${found[1].split('/').pop()}, line ${found[2]})`
    }
  } catch { /* its stack is not to be read */ }
  return ''
}
