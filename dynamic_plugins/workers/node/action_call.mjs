/**
 * One call of an elizaOS handler: its arguments in the five places where handlers look for them, and its result.
 *
 * The places are `options.x`, `options.parameters.x`, `message.content.x`, and where elizaOS 1.7 puts them in a turn of
 * several steps, `state.data.actionParams.x` and `state.data.<action>.x`.
 */

import { currentCall } from './host_model.mjs'
import { ActionFailedError, describeError, plain } from './plain.mjs'
import { asList } from './runtime.mjs'

const NOT_APPLICABLE = 'its own check says that it does not apply here'
const FIELDS_OF_NO_CONTENT = new Set(['success', 'continueChain', 'cleanup', 'error'])
const NOTHING = Object.freeze(Object.create(null))

/**
 * Call an action's handler and return what it gave. Raises ActionFailedError with the plugin's reason, and what else is
 * known: that its own check says no, that it asked for a model in vain, and what failed earlier.
 * @param {object} action
 * @param {object} args
 * @param {import('./runtime.mjs').Host} host
 * @param {() => string[]} notes
 */
export async function callAction(action, args, host, notes) {
  const call = { args, hasText: typeof args.text === 'string', wanted: new Set(), logged: [] }
  return currentCall.run(call, async () => {
    const { message, state } = await host.composeTurn(textFor(action.name, args), args, action.name)
    addToState(state, action.name, args, host.isLegacy)
    const options = { ...args, parameters: args, actionContext: NO_EARLIER_RESULTS }
    const replies = new Replies()
    const applies = await validated(action, host.runtime, message, state, options)
    const why = (hasReason = true) => (
      inParentheses([hasReason ? '' : logOf(call), applies, withoutModel(call.wanted), ...notes()])
    )
    let value
    try {
      value = await action.handler(host.runtime, message, state, options, replies.callback, [message])
    } catch (error) {
      throw new ActionFailedError(`${describeError(error)}${why()}`)
    }
    const isNothing = value === undefined || value === null
    return resultOf(value, replies, why, applies !== '' || (isNothing && call.logged.length > 0))
  })
}

/** Return the notes that follow an error's own text. @param {string[]} sentences */
export const inParentheses = (sentences) => sentences.filter(Boolean).map((sentence) => ` (${sentence})`).join('')

function logOf({ logged }) {
  return logged.length > 0 ? `its log says: ${logged.join('; ')}` : ''
}

function withoutModel(wanted) {
  if (wanted.size === 0) return ''
  const names = [...wanted].join(', ')
  const remedy = wanted.has('an answer') ? '' : '; give these as arguments'
  return `it asked a language model for ${names} and got none${remedy}`
}

const NO_EARLIER_RESULTS = { previousResults: [], getPreviousResult: () => undefined }

function addToState(state, name, args, isLegacy) {
  if (isLegacy || state?.data === null || typeof state?.data !== 'object') return
  state.data.actionParams = args
  state.data[name.toLowerCase().replace(/_/g, '')] = { ...args, _source: 'host', _timestamp: Date.now() }
}

/** Return why an action's own check says no, empty where it says yes. It says no to many a call that works. */
async function validated(action, runtime, message, state, options) {
  if (typeof action.validate !== 'function') return ''
  try {
    return (await action.validate(runtime, message, state, options)) ? '' : NOT_APPLICABLE
  } catch (error) {
    return `its own check failed: ${describeError(error)}`
  }
}

/** Return what a person would have written: given as such, or made of the arguments. */
export function textFor(name, args) {
  if (typeof args.text === 'string' && args.text !== '') return args.text
  const given = Object.entries(args).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  if (given.length === 0) return name.toLowerCase().replace(/[_-]/g, ' ')
  return given.length === 1 ? String(given[0][1]) : given.map(([key, value]) => `${key}: ${value}`).join(', ')
}

// ------------------------------------------------------------------------------------------------------- results

/** What a handler sends through its callback before it returns. */
export class Replies {
  constructor() {
    this.texts = []
    /** Pictures and files: `{url, title, contentType}`. */
    this.attachments = []
    /** Whether the last of them was sent as an error. */
    this.failed = false
    this.callback = async (content) => {
      const text = typeof content === 'string' ? content : content?.text
      if (typeof text === 'string' && text.trim() !== '') this.texts.push(text.trim())
      this.attachments.push(...asList(content?.attachments))
      this.failed = isError(content) || isError(content?.content)
      return []
    }
  }
}

function isError(content) {
  if (content === null || typeof content !== 'object') return false
  return content.success === false || Boolean(content.error)
}

/**
 * Return a handler's result as a JSON value: the text, `{text, data}` where there is data, or the plugin's own value; with
 * `attachments` where it sent any.
 * Raises ActionFailedError where it reports a failure, and where it gave nothing and there is a reason for that.
 * @param {any} value what the handler returned
 * @param {Replies} replies
 * @param {(hasReason?: boolean) => string} why notes for an error, in parentheses; *hasReason* is whether the plugin gave
 *   one itself
 * @param {boolean} isNotDone whether its own check says no, or its log tells of an error
 */
export function resultOf(value, replies, why, isNotDone = false) {
  const result = plain(value)
  const data = isRecord(result) ? result : NOTHING
  const texts = [...replies.texts, ...[data.text, data.message].filter((text) => typeof text === 'string')]
  if (hasFailed(result, data, replies)) {
    const reason = withoutRepeats([...texts, ...reasonsIn(data)]).join('\n')
    throw new ActionFailedError((reason || 'it gave no reason') + why(reason !== ''))
  }
  const attachments = plain(replies.attachments)
  if (result !== null && typeof result === 'object') {
    const given = isActionResult(data, replies) ? textAndData(texts, data) : withReplies(result, replies)
    return withAttachments(given, attachments)
  }
  const text = withoutRepeats([...texts, typeof result === 'string' ? result : '']).join('\n')
  if (text === '' && attachments.length === 0 && isNotDone) throw new ActionFailedError(`it did nothing${why(false)}`)
  return withAttachments(text || result, attachments)
}

function withAttachments(given, attachments) {
  if (attachments.length === 0) return given
  if (isRecord(given)) return { ...given, attachments }
  if (Array.isArray(given)) return { data: given, attachments }
  return typeof given === 'string' ? { text: given, attachments } : { attachments }
}

const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

/** Whether a record is the result of elizaOS 1 and later; of one that only reports success, the callback has the text. */
function isActionResult(data, replies) {
  if (data.success === undefined) return false
  if (['text', 'data', 'values'].some((name) => data[name] !== undefined)) return true
  return replies.texts.length > 0 && Object.keys(data).every((name) => FIELDS_OF_NO_CONTENT.has(name))
}

/** Return a plugin's own record, with the texts of its callback. */
function withReplies(result, replies) {
  return replies.texts.length > 0 && isRecord(result) ? { ...result, said: replies.texts } : result
}

function textAndData(texts, data) {
  const text = withoutRepeats(texts).join('\n')
  const rest = dataIn(data)
  return Object.keys(rest).length > 0 ? { text, data: rest } : text
}

/** Whether a result is a failure: it says so, or the last that it sent does and it does not say otherwise. */
function hasFailed(result, data, replies) {
  if (result === false || data.success === false || data.status === 'error') return true
  return replies.failed && data.success !== true
}

/** Many tell a person that something went wrong, and what it was in one of the fields for other actions. */
function reasonsIn({ error, values, data }) {
  return [error, values?.error, data?.error].map(reasonIn)
}

function reasonIn(error) {
  if (error === undefined || error === null || typeof error === 'boolean') return ''
  return typeof error === 'string' ? error : String(error.message ?? JSON.stringify(error))
}

function dataIn({ data, values }) {
  const found = data !== null && typeof data === 'object' && Object.keys(data).length > 0 ? data : values
  if (Array.isArray(found) || found === null || typeof found !== 'object') return found ?? {}
  const { actionName, ...rest } = found // elizaOS adds it to every result
  return rest
}

/** Return the texts without empty ones and those that another contains. */
function withoutRepeats(texts) {
  let kept = []
  for (const untrimmed of texts) {
    const text = untrimmed.trim()
    if (text === '' || kept.some((other) => other.includes(text))) continue
    kept = [...kept.filter((other) => !text.includes(other)), text]
  }
  return kept
}
