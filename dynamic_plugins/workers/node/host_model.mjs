/** The host's language model, asked by MCP sampling, and the model handlers of elizaOS that lead to it. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { answerFromArguments } from './prompt_fields.mjs'

/**
 * The call that is being made: its arguments answer what a plugin asks a model for, and it is told of a model that was
 * asked in vain.
 * @type {AsyncLocalStorage<{args: object, hasText: boolean, wanted: boolean}>}
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
    /** Whether the host has said that it has a model. */
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
    // A sentence that came along may hold what the other arguments do not.
    if (known !== null && (known.complete || !call.hasText)) return known.text
    try {
      return await this._sample(messages, options)
    } catch (error) {
      if (known !== null) return known.text
      if (call !== undefined) call.wanted = true
      throw error
    }
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

/**
 * Return the handlers of elizaOS' text and object models, by model type, as `registerModel` takes them.
 * @param {HostModel['askHost']} askHost
 * @returns {Record<string, (runtime: object, params: any) => Promise<any>>}
 */
export function modelHandlers(askHost) {
  const answerText = (_runtime, params) => askHost(messagesOf(params), optionsOf(params))
  const answerObject = async (_runtime, params) => {
    const shape = params?.schema?.properties
    const wish = shape ? `\nAnswer with JSON alone, of this form: ${formOf(shape)}` : ''
    const messages = messagesOf(params)
    return jsonIn(await askHost([...messages.slice(0, -1), { ...messages.at(-1), content: messages.at(-1).content + wish }], optionsOf(params)))
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

/** Return the text of a message's content: a text, or a list of parts. */
function flat(content) {
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map((part) => part?.text ?? '').join('') : JSON.stringify(content ?? '')
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
