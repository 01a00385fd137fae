/** The worker's end of the protocol: JSON-RPC messages as lines, on file descriptors that no plugin touches. */

import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { encode } from './plain.mjs'
import { create, indexOf, own, parseJson, slice, trim } from './primordials.mjs'

const { from: bytesOf } = Buffer
const { reallyExit } = process
const PAUSE = new Int32Array(new SharedArrayBuffer(4))
const { wait } = Atomics
const PAUSE_MS = 5

/** Reads the host's messages from one descriptor and writes ours to another. */
export class Channel {
  /**
   * @param {{input: number, output: number}} descriptors
   */
  constructor({ input, output }) {
    this._output = output
    this._receivers = create(null)
    this._lastId = 0
    this._rest = ''
    this._closed = false
    /** Called with every request and notification of the host. */
    this.onMessage = () => {}
    /** Called once, when the host has closed its end. */
    this.onClose = () => {}
    this._socket = new Socket({ fd: input, readable: true, writable: false })
    this._socket.setEncoding('utf8')
  }

  /** Begin to read. */
  listen() {
    this._socket.on('data', (text) => this._arrived(text))
    for (const event of ['end', 'error', 'close']) this._socket.on(event, () => this._close())
  }

  /** Send one message. */
  send(message) {
    this.sendLine(encodedLine(message))
  }

  /** Write one line whole: a pipe may take a part of it, or nothing yet. @param {Buffer} line */
  sendLine(line) {
    let at = 0
    while (at < line.length) {
      try {
        at += writeSync(this._output, line, at)
      } catch (error) {
        // The host is gone, and with it the reason to live.
        if (error.code !== 'EAGAIN') reallyExit(0)
        wait(PAUSE, 0, 0, PAUSE_MS)
      }
    }
  }

  /**
   * Send the host a request and return its whole response, `{result}` or `{error}`.
   * @returns {Promise<{result?: any, error?: {code: number, message: string}}>}
   */
  request(method, params) {
    const id = `w${++this._lastId}`
    return new Promise((resolve) => {
      this._receivers[id] = resolve
      this.send({ id, method, params })
    })
  }

  _arrived(text) {
    this._rest += text
    let end
    while ((end = indexOf(this._rest, '\n')) >= 0) {
      const line = trim(slice(this._rest, 0, end))
      this._rest = slice(this._rest, end + 1)
      if (line !== '') this._take(parseJson(line))
    }
  }

  _take(message) {
    if (own(message, 'method') !== undefined) {
      this.onMessage(message)
      return
    }
    const id = `${own(message, 'id')}`
    const receive = this._receivers[id]
    delete this._receivers[id]
    receive?.(message)
  }

  _close() {
    if (this._closed) return
    this._closed = true
    this.onClose()
  }
}

/** Return the line of a message, as bytes. @returns {Buffer} */
export function encodedLine(message) {
  return bytesOf(`${encode({ jsonrpc: '2.0', ...message })}\n`)
}
