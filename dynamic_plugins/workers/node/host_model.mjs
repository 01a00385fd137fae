/** The host's language model, asked by MCP sampling, and the model handlers of elizaOS that lead to it. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { answerFromArguments, missingFields } from './prompt_fields.mjs'

/**
 * The call that is being made: its arguments answer what a plugin asks a model for, `wanted` gets what a model was asked
 * for in vain (names of fields, or "an answer"), and `logged` the last lines that the plugin logged as errors.
 * @type {AsyncLocalStorage<{args: object, hasText: boolean, wanted: Set<string>, logged: string[]}>}
 */
export const currentCall = new AsyncLocalStorage()

export const TEXT_MODELS = [
  'TEXT_NANO', 'TEXT_SMALL', 'TEXT_MEDIUM', 'TEXT_LARGE', 'TEXT_MEGA', 'TEXT_COMPLETION',
  'TEXT_REASONING_SMALL', 'TEXT_REASONING_LARGE', 'REASONING_SMALL', 'REASONING_LARGE',
]
export const OBJECT_MODELS = ['OBJECT_SMALL', 'OBJECT_LARGE']

const MAX_TOKENS = 2048

/** Asks the model of the host, where it has one. */
export class HostModel {
  /** @param {import('./channel.mjs').Channel} channel */
  constructor(channel) {
    this._channel = channel
    /** Whether the host has declared that it has a model. */
    this.available = false
    this.askHost = this.askHost.bind(this)
  }

  /**
   * Answer *messages*: from the current call's arguments where they hold the fields that are asked for, else by the
   * host's model. Raises an Error where neither can, and notes on the current call that a model was wanted.
   * @param {{role: string, content: string}[]} messages
   * @param {{system?: string, maxTokens?: number}} [options]
   * @returns {Promise<string>}
   */
  async askHost(messages, options = {}) {
    const call = currentCall.getStore()
    const prompt = messages.map(({ content }) => content).join('\n')
    const known = call === undefined ? null : answerFromArguments(prompt, call.args)
    if (known?.complete) return known.text
    try {
      // Without a sentence there is nothing that a model could find and the arguments do not hold.
      if (known === null || call.hasText) return await this._sample(messages, options)
    } catch (error) {
      if (known === null) {
        noteWanted(call, prompt)
        throw error
      }
    }
    noteWanted(call, prompt)
    return known.text
  }

  async _sample(messages, { system, maxTokens }) {
    if (!this.available) throw new Error('there is no language model here to ask')
    const answer = await this._channel.request('sampling/createMessage', {
      messages: messages.map(({ role, content }) => ({
        role: role === 'assistant' ? 'assistant' : 'user',
        content: { type: 'text', text: String(content) },
      })),
      maxTokens: maxTokens ?? MAX_TOKENS,
      ...(system ? { systemPrompt: system } : {}),
    })
    const text = textIn(answer.result?.content)
    if (text === undefined) throw new Error(answer.error?.message ?? 'the host has no language model')
    return text
  }
}

function noteWanted(call, prompt) {
  if (call === undefined) return
  const names = missingFields(prompt, call.args)
  for (const name of names.length > 0 ? names : ['an answer']) call.wanted.add(name)
}

/**
 * Have the host's model answer what elizaOS' own models are given: `{messages, prompt, system, maxTokens}`, or a text.
 * @param {object | string} params
 * @param {HostModel['askHost']} askHost
 */
export function answerTo(params, askHost) {
  return askHost(messagesOf(params), optionsOf(params))
}

/**
 * Return the handlers of elizaOS' text and object models, by model type, as `registerModel` takes them.
 * @param {HostModel['askHost']} askHost
 * @returns {Record<string, (runtime: object, params: any) => Promise<any>>}
 */
export function modelHandlers(askHost) {
  const answerText = (_runtime, params) => answerTo(params, askHost)
  const answerObject = async (_runtime, params) => {
    const messages = messagesOf(params)
    const shape = params?.schema?.properties
    if (shape) messages.at(-1).content += `\nAnswer with JSON alone, of this form: ${formOf(shape)}`
    return jsonIn(await askHost(messages, optionsOf(params)))
  }
  return Object.fromEntries([
    ...TEXT_MODELS.map((type) => [type, answerText]),
    ...OBJECT_MODELS.map((type) => [type, answerObject]),
  ])
}

/** Return what `useModel` was given as messages; there is always one. */
function messagesOf(params) {
  if (typeof params === 'string') return [{ role: 'user', content: params }]
  const messages = (Array.isArray(params?.messages) ? params.messages : [])
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => ({ role, content: flat(content) }))
  if (params?.prompt || messages.length === 0) messages.push({ role: 'user', content: String(params?.prompt ?? '') })
  return messages
}

function optionsOf(params) {
  const systems = (Array.isArray(params?.messages) ? params.messages : []).filter(({ role }) => role === 'system')
  const system = [params?.system, ...systems.map(({ content }) => flat(content))].filter(Boolean).join('\n')
  return { ...(system ? { system } : {}), ...(params?.maxTokens > 0 ? { maxTokens: params.maxTokens } : {}) }
}

/** Return the text of a message's content: a text, a list of parts, or nothing, as where a model has called a tool. */
function flat(content) {
  if (content === null || content === undefined) return ''
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map((part) => part?.text ?? '').join('') : JSON.stringify(content)
}

function formOf(properties) {
  return JSON.stringify(Object.fromEntries(Object.entries(properties).map(([name, { type }]) => [name, type ?? 'string'])))
}

/** Return the JSON value in a model's answer. Raises SyntaxError where there is none. */
function jsonIn(text) {
  return JSON.parse(/\{[\s\S]*\}|\[[\s\S]*\]/.exec(text)?.[0] ?? text)
}

function textIn(content) {
  if (Array.isArray(content)) return content.map((block) => block.text ?? '').join('')
  return typeof content?.text === 'string' ? content.text : undefined
}
