/**
 * Migrations that a plugin asks for itself, of tables that are there already.
 *
 * elizaOS migrates a plugin's tables under the plugin's name. Some plugins do it again under their package's name, for
 * hosts that did not, and to plugin-sql that is another plugin whose tables are in the way.
 */

const IS_TABLE = Symbol.for('drizzle:Name')

/**
 * Have *adapter* pass over a request to migrate what is in *schema*, and do all others.
 * @param {{runPluginMigrations?: Function}} adapter
 * @param {object} schema the tables that have been migrated
 */
export function passOverMigrated(adapter, schema) {
  const migrated = new Set(tablesIn(schema))
  const run = adapter.runPluginMigrations
  adapter.runPluginMigrations = async (plugins, options) => {
    const others = plugins.filter(({ schema: wanted }) => !tablesIn(wanted).every((table) => migrated.has(table)))
    if (others.length > 0) await run.call(adapter, others, options)
  }
}

/** Return the tables of a schema: its values, and those of an object of tables among them. */
function tablesIn(schema) {
  const values = Object.values(schema ?? {}).filter((value) => value !== null && typeof value === 'object')
  return values.flatMap((value) => (value[IS_TABLE] === undefined ? Object.values(value).filter(isTable) : [value]))
}

const isTable = (value) => value?.[IS_TABLE] !== undefined
