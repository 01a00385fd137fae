/** A plugin's own models as actions: what elizaOS gives a model of each type, made of an action's arguments. */

const PROMPTED = /^(?:TEXT_(?!EMBEDDING|TOKENIZER|TO_SPEECH)|OBJECT_|REASONING_|RESEARCH|IMAGE$)/
const PROMPT = { type: 'string', description: 'What the model is asked.' }
const TEXT = { type: 'string', description: 'The text that the model works on.' }

/** Those that work on something else than a text, with the one argument that they cannot do without. */
const OTHERS = {
  TEXT_TOKENIZER_DECODE: {
    required: 'tokens',
    properties: { tokens: { type: 'array', items: { type: 'integer' }, description: 'The numbers of the tokens.' } },
  },
  IMAGE_DESCRIPTION: {
    required: 'imageUrl',
    properties: { imageUrl: { type: 'string', description: 'The address of the picture.' }, prompt: PROMPT },
    // Of a picture alone the oldest want only the address, and the others take it.
    input: ({ imageUrl, ...rest }) => (Object.keys(rest).length > 0 ? { imageUrl, ...rest } : imageUrl),
  },
  TRANSCRIPTION: {
    required: 'audio',
    properties: { audio: { type: 'string', contentEncoding: 'base64', description: 'The recording, in base64.' } },
    input: ({ audio }) => Buffer.from(String(audio), 'base64'),
  },
}

/** Return the JSON Schema of the arguments for a model of this type. */
export function modelSchema(type) {
  const other = OTHERS[type]
  const isPrompted = PROMPTED.test(type)
  const required = other?.required ?? (isPrompted ? 'prompt' : undefined)
  return {
    type: 'object',
    properties: other?.properties ?? (isPrompted ? { prompt: PROMPT } : { text: TEXT, prompt: PROMPT }),
    ...(required === undefined ? {} : { required: [required] }),
    additionalProperties: true,
  }
}

/** Return what the handler of a model of this type is given. */
export function modelInput(type, args) {
  const other = OTHERS[type]
  if (other !== undefined) return other.input?.(args) ?? args
  return PROMPTED.test(type) ? args : { text: args.prompt, prompt: args.text, ...args }
}
