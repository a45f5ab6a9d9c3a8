import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { ConnectionFailure, codeSuffix, errorCode } from './connection-failure.ts'
import { type Address, formatAddress, optionalText, type TestRun } from './driver.ts'

/** Stages resolve and reach: looks up the host and connects to the first of its addresses that accepts a connection. */
export async function connectTcp(run: TestRun, address: Address): Promise<Socket> {
  run.enterStage('resolve')
  run.setTimeoutReason(`DNS did not resolve ${address.host}`)
  const addresses = await lookup(address.host, { all: true }).catch(error => {
    const message = `Host ${address.host} not found${codeSuffix(errorCode(error))}. Check its name.`
    throw new ConnectionFailure('dns_failed', message)
  })
  run.enterStage('reach')
  run.setTimeoutReason(
    `${formatAddress(address)} did not answer; a firewall may be dropping the packets, or the host may be down`,
  )
  let lastError: unknown
  for (const { address: host } of addresses) {
    try {
      return await connectTo(run, { host, port: address.port })
    } catch (error) {
      lastError = error
    }
  }
  throw lastError instanceof ConnectionFailure ? lastError : unreachable(address, errorCode(lastError))
}

function connectTo(run: TestRun, { host, port }: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    run.onEnd(() => socket.destroy())
    const seconds = Number(optionalText(run.credentials, 'connect_timeout_seconds') ?? 0)
    if (seconds) {
      const message = `${formatAddress({ host, port })} did not answer within connect_timeout_seconds (${seconds} s).`
      socket.setTimeout(seconds * 1000, () => reject(new ConnectionFailure('timeout', message)))
    }
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      socket.off('error', reject)
      socket.on('error', () => {}) // reported by the code that uses the socket
      resolve(socket)
    })
  })
}

function unreachable(address: Address, code: string): ConnectionFailure {
  if (code === 'ETIMEDOUT') return new ConnectionFailure('timeout', `${formatAddress(address)} did not answer.`)
  const reason =
    code === 'ECONNREFUSED'
      ? 'refused the connection: nothing listens on that port, or a firewall blocks it'
      : `cannot be reached${codeSuffix(code)}`
  return new ConnectionFailure('unreachable', `${formatAddress(address)} ${reason}.`)
}
