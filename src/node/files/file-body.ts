import { type FileHandle, open } from "node:fs/promises";
import type { Stats } from "node:fs";
import { basename } from "node:path";

const CHUNK_BYTES = 65_536;

/**
 * A file as the body of a response. The file is opened when the body is first read, and closed when the body
 * ends, fails or is cancelled. A response that is not read opens no file.
 */
export class DiskFile {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly lastModified: number;
  readonly #path: string;
  readonly #stats: Stats;

  constructor(path: string, type: string, stats: Stats) {
    this.#path = path;
    this.#stats = stats;
    this.name = basename(path);
    this.type = type;
    this.size = stats.size;
    this.lastModified = Math.floor(stats.mtimeMs);
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.slice().stream();
  }

  /** The part from `start` to before `end`, in bytes. */
  slice(start = 0, end: number = this.size): { stream(): ReadableStream<Uint8Array<ArrayBuffer>> } {
    return {
      // With a queue, the stream would open the file before the application reads it.
      stream: () =>
        new ReadableStream(new FileSource(this.#path, this.#stats, start, end), {
          highWaterMark: 0,
        }),
    };
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return await new Response(this.stream()).arrayBuffer();
  }
}

/** Reads a part of a file, one chunk for each pull. */
class FileSource implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  readonly #path: string;
  readonly #stats: Stats;
  readonly #end: number;
  #position: number;
  #handle: FileHandle | undefined;
  #isCancelled = false;

  constructor(path: string, stats: Stats, start: number, end: number) {
    this.#path = path;
    this.#stats = stats;
    this.#position = start;
    this.#end = end;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      const chunk = await this.#read();
      if (this.#isCancelled) return await this.#close();
      if (chunk !== undefined) controller.enqueue(chunk);
      if (this.#position < this.#end) return;
      await this.#close();
      controller.close();
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.#close();
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const length = Math.min(CHUNK_BYTES, this.#end - this.#position);
    if (length === 0) return undefined;
    this.#handle ??= await this.#open();
    const chunk = new Uint8Array(length);
    const { bytesRead } = await this.#handle.read(chunk, 0, length, this.#position);
    // The response has announced the length, so a shorter body is an error.
    if (bytesRead === 0)
      throw new Error("the file became shorter while it was sent; the response was cut off");
    this.#position += bytesRead;
    return chunk.subarray(0, bytesRead);
  }

  async #open(): Promise<FileHandle> {
    const handle = await open(this.#path, "r");
    const { size, mtimeMs } = await handle.stat();
    // The response has announced the size and the validators of the file.
    if (size === this.#stats.size && mtimeMs === this.#stats.mtimeMs) return handle;
    await handle.close();
    throw new Error("the file changed before it was sent; the response was cut off");
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
