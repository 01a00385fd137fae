/** The host's language model, asked by MCP sampling, and the model handlers of elizaOS that lead to it. */

import { AsyncLocalStorage } from 'node:async_hooks'

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
   * Have the host's model answer. Raises an Error where there is none, and notes on the current call that one was wanted.
   * @param {{role: string, content: string}[]} messages
   * @param {{system?: string, maxTokens?: number}} [options]
   * @returns {Promise<string>}
   */
  async askHost(messages, { system, maxTokens } = {}) {
    if (!this.available) throw missing('there is no language model here to ask')
    const answer = await this._channel.request('sampling/createMessage', {
      messages: messages.map(({ role, content }) => ({
        role: role === 'assistant' ? 'assistant' : 'user',
        content: { type: 'text', text: String(content) },
      })),
      maxTokens: maxTokens ?? MAX_TOKENS,
      ...(system ? { systemPrompt: system } : {}),
    })
    const text = textIn(answer.result?.content)
    if (text === undefined) throw missing(answer.error?.message ?? 'the host has no language model')
    return text
  }
}

/** Return an error, and note on the current call that a model was asked in vain. */
function missing(reason) {
  const call = currentCall.getStore()
  if (call !== undefined) call.wanted = true
  return new Error(reason)
}

function textIn(content) {
  if (Array.isArray(content)) return content.map((block) => block.text ?? '').join('')
  return typeof content?.text === 'string' ? content.text : undefined
}
