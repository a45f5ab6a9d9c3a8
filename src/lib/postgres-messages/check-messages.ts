import { InvalidPostgresMessage } from './invalid-message.ts'
import { messageChecker } from './message-checker.ts'

/** The part of a pg client's `connection` that is used here. */
interface PgConnection {
  attachListeners(stream: MessageSource): void
}

interface MessageSource {
  on(event: string, listener: (...args: never[]) => void): unknown
  destroy(error?: Error): unknown
}

/**
 * Makes a new pg client check each message of the server before it parses the message. An invalid message closes the
 * connection with InvalidPostgresMessage. pg's own parser reads past the end of a malformed message, and may then never
 * return.
 */
export function checkMessages<Client extends object>(client: Client): Client {
  const { connection } = client as unknown as { connection: PgConnection }
  const attach = connection.attachListeners.bind(connection)
  connection.attachListeners = stream => attach(checkedStream(stream))
  return client
}

function checkedStream(stream: MessageSource): MessageSource {
  const check = messageChecker()
  const checked = (listener: (messages: Buffer) => void) => (chunk: Buffer) => {
    try {
      const messages = check(chunk)
      if (messages) listener(messages)
    } catch (error) {
      // pg itself throws for some messages that are well-formed but arrive at the wrong time.
      stream.destroy(
        error instanceof InvalidPostgresMessage ? error : new InvalidPostgresMessage('an unexpected message'),
      )
    }
  }
  return {
    on: (event, listener) =>
      stream.on(event, event === 'data' ? checked(listener as (chunk: Buffer) => void) : listener),
    destroy: error => stream.destroy(error),
  }
}
