/** What a plugin's init registers with the runtime: some have all that they offer from there, and nothing in the plugin. */

import { asList } from './runtime.mjs'

/**
 * @typedef {object} Registrations parts of a plugin as it would list them itself
 * @property {object[]} actions
 * @property {object[]} providers
 * @property {object[]} evaluators
 * @property {object[]} routes
 * @property {Record<string, Function>} models handlers by the type of model
 */

const LISTS = ['actions', 'providers', 'evaluators', 'routes']

/** Return a function that gives what has been registered with *runtime* since now, as `Registrations`. */
export function watchRegistrations(runtime) {
  const before = new Set(LISTS.flatMap((name) => asList(runtime[name])))
  const models = new Set(modelsIn(runtime).map(([, handler]) => handler))
  return () => ({
    ...Object.fromEntries(LISTS.map((name) => [name, asList(runtime[name]).filter((item) => !before.has(item))])),
    models: Object.fromEntries(modelsIn(runtime).filter(([, handler]) => !models.has(handler)).reverse()),
  })
}

/** Return `[type, handler]` of every model, of each type the one that goes first at first. */
function modelsIn({ models }) {
  if (!(models instanceof Map)) return []
  return [...models].flatMap(([type, handlers]) => asList(handlers).map(({ handler }) => [type, handler]))
}
