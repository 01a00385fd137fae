/** The components of one plugin, ready to be called. */

import { create, keys } from './primordials.mjs'

/**
 * @typedef {object} Component
 * @property {'action' | 'provider' | 'service' | 'evaluator' | 'task'} kind
 * @property {string} name
 * @property {string} description
 * @property {(args: object) => Promise<any>} call gives a value; raises what the plugin raises
 * @property {object} [parameters] the JSON Schema of an action's arguments
 * @property {string[]} [similes]
 * @property {number} [interval] seconds between two runs of a task
 */

const ANY_ARGUMENTS = { type: 'object', properties: {} }

/** All components of one plugin. */
export class ComponentSet {
  constructor() {
    /** Actions by their names, others by `kind:name`; without a prototype, so that "constructor" is a free name. */
    this.byAddress = create(null)
    /** @type {import('./services.mjs').Service[]} */
    this.services = []
  }

  /**
   * Add one component. Raises an Error where the name is taken.
   * @param {Component} component
   */
  add(component) {
    const { kind, name } = component
    const address = kind === 'action' ? name : `${kind}:${name}`
    if (this.byAddress[address] !== undefined) throw new Error(`offers two ${kind}s called '${name}'`)
    this.byAddress[address] = { parameters: ANY_ARGUMENTS, similes: [], ...component }
  }

  /** Whether there is a component of this kind and name. */
  has(kind, name) {
    return this.byAddress[kind === 'action' ? name : `${kind}:${name}`] !== undefined
  }

  /** Return `[address, component]` of every component, in the order in which they were added. */
  entries() {
    const addresses = keys(this.byAddress)
    const found = []
    for (let i = 0; i < addresses.length; i++) found[i] = [addresses[i], this.byAddress[addresses[i]]]
    return found
  }
}
