/** The services of a plugin: started on request, or before the first call if nobody requested anything. */

import { LATE_START, START_MS, within } from './deadline.mjs'
import { describeError } from './plain.mjs'

/** A service's life. */
export class Service {
  /**
   * @param {string} name
   * @param {string} description
   * @param {object} declared what the plugin lists: a service class, or a client of elizaOS 0
   * @param {import('./runtime.mjs').Host} host
   * @param {(level: string, text: string) => void} log
   */
  constructor(name, description, declared, host, log) {
    this.name = name
    this._log = log
    this.description = description
    this._declared = declared
    this._host = host
    this._instance = null
    this._last = Promise.resolve()
    this._mayStartLater = false
    /** Whether its start or stop has been requested, and is done. */
    this.settled = false
    this.running = false
    /** Why it does not run; elizaOS goes on without a service, and so do calls: their errors name it. */
    this.failure = ''
  }

  /** `start` or `stop` it; either is safe to repeat, and waits for the other. Does not raise: see `failure`. */
  do(request) {
    this.settled = false
    const work = async () => {
      if (request === 'start' && !this.running) await this._start()
      else if (request === 'stop' && this.running) await this._stop()
      this.settled = request === 'stop' || !this._mayStartLater
      return null
    }
    this._last = this._last.then(work)
    return this._last
  }

  async _start() {
    this.failure = ''
    this._mayStartLater = true
    try {
      // What the runtime lacks, such as a database that another process has open, may be there at the next call.
      await this._host.start()
      this._mayStartLater = false
      // It may go on starting after that, and calls are tried without it.
      this._instance = await within(START_MS, this._host.startService(this._declared), LATE_START)
      this.running = true
    } catch (error) {
      this._failed('start', error)
    }
  }

  async _stop() {
    this.running = false
    try {
      await this._host.stopService(this._declared, this._instance)
    } catch (error) {
      this._failed('stop', error)
    }
  }

  _failed(what, error) {
    this.failure = `service ${this.name} did not ${what}: ${describeError(error)}`
    this._log('warning', this.failure)
  }
}

/** Start the services without a request, and wait for those that are starting: a call may need them. */
export async function startServices(services) {
  for (const service of services) if (!service.settled) await service.do('start')
}

/** Stop what runs, the last first. */
export async function stopServices(services) {
  for (const service of [...services].reverse()) if (service.running) await service.do('stop')
}
