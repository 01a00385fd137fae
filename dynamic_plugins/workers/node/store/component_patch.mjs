/** Changes of a part of a component's data, as core 2.x describes them. */

const PATH = /^[a-zA-Z_]\w*(\.([a-zA-Z_]\w*|\d+))*$/
const INHERITED = /(^|\.)(__proto__|constructor|prototype)(\.|$)/

/**
 * Return a copy of *data* after all operations. Raises an Error for a path that is none, or an operation that cannot be
 * done there.
 * @param {object} data
 * @param {{op: 'set' | 'push' | 'remove' | 'increment', path: string, value?: any}[]} operations
 */
export function patched(data, operations) {
  const changed = structuredClone(data ?? {})
  for (const operation of operations) apply(changed, operation)
  return changed
}

function apply(data, { op, path, value }) {
  if (!PATH.test(path) || INHERITED.test(path)) throw new Error(`'${path}' is no path into a component's data`)
  const names = path.split('.')
  const last = names.pop()
  const place = names.reduce((object, name) => (object[name] ??= {}), data)
  switch (op) {
    case 'set': place[last] = value; break
    case 'push': place[last] = [...(place[last] ?? []), value]; break
    case 'increment': place[last] = Number(place[last] ?? 0) + Number(value ?? 1); break
    case 'remove': remove(place, last); break
    default: throw new Error(`a component's data knows no operation '${op}'`)
  }
}

function remove(place, name) {
  if (Array.isArray(place)) place.splice(Number(name), 1)
  else Reflect.deleteProperty(place, name)
}
