/** Keeps a core of elizaOS from reading settings that are not the plugin's. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Lay an empty `.env` into *folder*, unless one is there. At import, cores look for that file in the working folder and
 * then in every folder above it, and take the first one's variables into `process.env`.
 * @param {string} folder the working folder of this process
 */
export function endEnvSearch(folder) {
  try {
    writeFileSync(join(folder, '.env'), '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}
