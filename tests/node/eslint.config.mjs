import js from '@eslint/js'

/** What Node has besides the language; only what is used, so that a slip of the pen is no global. */
const NODE = [
  'AbortController', 'Buffer', 'Request', 'Response', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams', 'WebAssembly',
  'clearInterval', 'clearTimeout', 'console', 'fetch', 'performance', 'process', 'setImmediate', 'setInterval',
  'setTimeout', 'structuredClone',
]

export default [
  { ignores: ['**/node_modules/**', '**/.venv/**'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      ecmaVersion: 2023,
      sourceType: 'module',
      globals: Object.fromEntries(NODE.map((name) => [name, 'readonly'])),
    },
    rules: {
      'array-callback-return': 'error',
      'arrow-parens': 'error',
      'comma-dangle': ['error', 'always-multiline'],
      complexity: ['error', 15],
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      indent: ['error', 2, { SwitchCase: 1, ignoredNodes: ['ConditionalExpression'] }],
      'max-depth': ['error', 3],
      'max-len': ['error', { code: 130, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'max-lines-per-function': ['error', { max: 50 }],
      'no-else-return': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-param-reassign': ['error', { props: false }],
      'no-shadow': 'error',
      'no-trailing-spaces': 'error',
      'no-unused-vars': ['error', { args: 'after-used', argsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true }],
      'no-use-before-define': ['error', { functions: false, classes: false, variables: false }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
      quotes: ['error', 'single', { avoidEscape: true }],
      'require-await': 'off',
      semi: ['error', 'never'],
    },
  },
  // Tests tell whole stories, and fixtures are other people's plugins.
  { files: ['**/tests/node/**'], rules: { 'max-lines-per-function': 'off', complexity: 'off', 'require-yield': 'off' } },
]
