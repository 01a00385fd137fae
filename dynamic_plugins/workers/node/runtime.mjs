/**
 * The elizaOS runtime that a plugin's components get, picked by the version of `@elizaos/core` that the plugin uses.
 *
 * The fixed ids are those of the Python worker: what a plugin stores under them is found again after a restart.
 */

export const AGENT_ID = '00000000-0000-4000-8000-64796e616d69'
export const ROOM_ID = '6aee8177-4ba4-58e6-a842-e9fd1ee4bde3'
export const ENTITY_ID = 'bceaeaf0-3d9f-5fc6-914b-055af133ce74'
export const WORLD_ID = '5c425425-f270-57de-a092-24ba2b8be242'

/**
 * What a host is made of.
 * @typedef {object} HostParts
 * @property {object} core the module `@elizaos/core` that the plugin itself imports
 * @property {string} coreVersion its version, as "1.7.2"
 * @property {object} plugin the plugin object
 * @property {Record<string, string>} settings the plugin's configuration, by variable
 * @property {import('./host_model.mjs').HostModel['askHost']} askHost has the host's language model answer
 * @property {(level: string, text: string) => void} log writes one line to the host's log
 * @property {string[]} notes what failed without stopping the load; the host adds to it ("its init failed: …"), and the
 *   errors of calls have it
 * @property {string[]} notices what a person must learn where nothing fails; the host adds to it, and the next answer that
 *   is a text has it
 * @property {(name: string) => Promise<object>} importFromRoot imports a package by Node's own resolution, from where
 *   the plugin's package lies
 * @property {string} dataFolder the plugin's own folder, absolute: the only place where it may write
 */

/**
 * A runtime and what the worker asks of it. Everything but `start` may be used once `start` has resolved.
 * @typedef {object} Host
 * @property {object} runtime what handlers get; null before `start`
 * @property {import('./registrations.mjs').Registrations | null} registered what its init has registered, besides what the
 *   plugin lists; null before `start`, and where it has none
 * @property {boolean} isLegacy whether the core is 0.x: handlers get `content.action`, a memory's `userId`
 * @property {() => Promise<void>} start makes the runtime, once: a later call waits for the first. Runs `plugin.init` in
 *   a try that adds to `notes`, registers everything of the plugin but its services
 * @property {(text: string, args: object, actionName?: string) => Promise<{message: object, state: object}>} composeTurn
 *   makes the message of a person that wrote *text*, with *args* in its content, and the state for it
 * @property {(declared: object) => Promise<object>} startService starts one of the plugin's services (or 0.x clients)
 *   and returns what runs. Raises what starting it raises
 * @property {(declared: object, instance: object) => Promise<void>} stopService
 * @property {() => Map<string, {execute: Function, validate?: Function}>} taskWorkers those registered by now
 */

/** Whether *core* is a 0.x: those have `generateText` and no model types. */
export const isLegacyCore = (core) => typeof core?.generateText === 'function' && core.ModelType === undefined

/**
 * Return the host for a plugin. Only the file for its core's version is read.
 * @param {HostParts} parts
 * @returns {Promise<Host>}
 */
export async function makeHost(parts) {
  const { makeHost: make } = await (isLegacyCore(parts.core)
    ? import('./legacy_runtime.mjs')
    : import('./modern_runtime.mjs'))
  return make(parts)
}

/**
 * Return *work* as a function that runs it once: every call gets the first one's promise. Where it failed, the next call
 * tries again: what was missing may be there by then.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {() => Promise<T>}
 */
export function once(work) {
  let begun = null
  const begin = async () => {
    try {
      return await work()
    } catch (error) {
      begun = null
      throw error
    }
  }
  return () => (begun ??= begin())
}

/** Return a component list as an array: some plugins have an object of them, or holes. */
export function asList(value) {
  if (Array.isArray(value)) return value.filter((item) => item !== null && item !== undefined)
  return value !== null && typeof value === 'object' ? Object.values(value).filter(Boolean) : []
}
