/**
 * The language model of 0.x: its core speaks HTTP to an OpenAI address, with the `fetch` that its runtime has. Here that
 * address leads to the host's model.
 */

import { answerTo, currentCall } from './host_model.mjs'

/** Where the core believes the model to be. `.invalid` is a name that no network resolves. */
export const MODEL_ADDRESS = 'http://host-model.invalid/v1'

const COMPLETIONS = `${MODEL_ADDRESS}/chat/completions`
const MAX_SAME_PROMPT = 3
const BACKGROUND_MS = 60_000

/** Answers the model requests of a 0.x core. */
export class LegacyModel {
  /**
   * @param {import('./host_model.mjs').HostModel['askHost']} askHost
   */
  constructor(askHost) {
    this._askHost = askHost
    this._final = new WeakSet()
    this._promptsOfCall = new WeakMap()
    this._background = { since: 0, prompts: new Map() }
    this.fetch = this.fetch.bind(this)
  }

  /** The `fetch` of the runtime: requests to the model's address are answered here, all others are made. */
  async fetch(address, options) {
    const url = String(address?.url ?? address)
    if (!url.startsWith(MODEL_ADDRESS)) return fetch(address, options)
    if (url !== COMPLETIONS) return jsonResponse(404, { error: { message: `the host's model has no ${url.slice(MODEL_ADDRESS.length)}` } })
    const { model, messages, max_tokens: maxTokens } = JSON.parse(options.body)
    try {
      this._count(options.body)
      return jsonResponse(200, completion(model, await answerTo({ messages, maxTokens }, this._askHost)))
    } catch (error) {
      this._final.add(error)
      throw error
    }
  }

  /**
   * Have the core's loops end. Where an answer of the model fails or cannot be read, several functions of 0.x (such as
   * `generateObjectDeprecated`) log it and ask again, for ever and with growing pauses. An error of ours that they log is
   * raised from there.
   * @param {{error: Function}} logger the core's
   */
  endLoops(logger) {
    const { error: write } = logger
    logger.error = (...args) => {
      const reason = args.find((argument) => this._final.has(argument))
      if (reason !== undefined) throw reason
      write.apply(logger, args)
    }
  }

  /** Raise an Error where this prompt was already answered as often as makes sense: the core cannot read the answers. */
  _count(prompt) {
    const prompts = this._prompts()
    const times = (prompts.get(prompt) ?? 0) + 1
    prompts.set(prompt, times)
    if (times > MAX_SAME_PROMPT) {
      throw new Error(`the language model answered ${MAX_SAME_PROMPT} times in a form that the plugin cannot read`)
    }
  }

  _prompts() {
    const call = currentCall.getStore()
    if (call === undefined) {
      if (Date.now() - this._background.since > BACKGROUND_MS) this._background = { since: Date.now(), prompts: new Map() }
      return this._background.prompts
    }
    if (!this._promptsOfCall.has(call)) this._promptsOfCall.set(call, new Map())
    return this._promptsOfCall.get(call)
  }
}

function completion(model, text) {
  return {
    id: 'host',
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }
}

function jsonResponse(status, body) {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}
