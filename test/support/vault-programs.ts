import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Certificate } from './certificate.ts'
import { freePort } from './own-servers.ts'
import { BAO_BIN } from './own-stores.ts'

// Starts OpenBao's programs with listeners that a test needs, and a forward proxy.

export const TINYPROXY = ['/usr/bin/tinyproxy', '/usr/sbin/tinyproxy'].find(existsSync)

export interface Program {
  readonly port: number
  stop(): void
}

export interface Listeners extends Program {
  readonly addr: string
  /** Port of the listener that requires a client certificate. */
  readonly tlsPort: number
  readonly socket: string
}

/** An OpenBao in memory with three listeners: plain, mutual TLS, and a Unix socket. Its root token is `root`. */
export async function baoWithListeners({ tls, clientCa }: { tls: Certificate; clientCa: string }): Promise<Listeners> {
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-bao-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const [port, tlsPort] = [await freePort(), await freePort()]
  const socket = join(folder, 'socket')
  const config = `
listener "tcp" {
  address = "127.0.0.1:${tlsPort}"
  tls_cert_file = "${file('cert.pem', tls.cert)}"
  tls_key_file = "${file('key.pem', tls.key)}"
  tls_client_ca_file = "${file('ca.pem', clientCa)}"
  tls_require_and_verify_client_cert = true
}
listener "unix" { address = "${socket}" }
`
  const dev = ['-dev', '-dev-no-store-token', '-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${port}`]
  const stop = start(BAO_BIN ?? '', ['server', ...dev, `-config=${file('config.hcl', config)}`], folder)
  await answersHttp(port)
  return { port, tlsPort, socket, addr: `http://127.0.0.1:${port}`, stop }
}

/** `bao proxy` in front of an OpenBao, with an additional configuration: auto-auth, cache. */
export async function baoProxy(addr: string, more: string): Promise<Program & { addr: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-bao-'))
  const port = await freePort()
  const listener = `address = "127.0.0.1:${port}"\n  tls_disable = true\n  require_request_header = true`
  const config = `vault { address = "${addr}" }\nlistener "tcp" {\n  ${listener}\n}\n${more}\n`
  writeFileSync(join(folder, 'config.hcl'), config)
  const stop = start(BAO_BIN ?? '', ['proxy', `-config=${join(folder, 'config.hcl')}`], folder)
  await answersHttp(port)
  return { port, addr: `http://127.0.0.1:${port}`, stop }
}

/** A forward proxy that requires a login. */
export async function tinyproxy({ user, password }: { user: string; password: string }): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'dsctl-tinyproxy-'))
  const port = await freePort()
  const config = `Port ${port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth ${user} ${password}\n`
  writeFileSync(join(folder, 'config'), config)
  const stop = start(TINYPROXY ?? '', ['-d', '-c', join(folder, 'config')], folder)
  await waitFor(() => isOpen(port))
  return { port, stop }
}

function start(program: string, args: readonly string[], folder: string): () => void {
  const env = { PATH: process.env.PATH ?? '', HOME: folder }
  const child = spawn(program, args, { cwd: folder, env, stdio: 'ignore' })
  return () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

async function answersHttp(port: number): Promise<void> {
  await waitFor(() => {
    return new Promise(resolve => {
      const headers = { 'X-Vault-Request': 'true' }
      const sent = request({ host: '127.0.0.1', port, path: '/v1/sys/health', headers, agent: false }, answer => {
        answer.resume()
        resolve(answer.statusCode === 200)
      })
      sent.on('error', () => resolve(false))
      sent.end()
    })
  })
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function waitFor(isReady: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await pause(100)) if (await isReady()) return
  throw new Error('The program does not answer.')
}
