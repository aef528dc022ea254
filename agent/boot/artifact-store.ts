/** Artifacts on memory-backed storage. */

/** An artifact as clients see it. */
export interface ArtifactView {
	readonly name: string;
	/** bytes of the whole artifact; null while that is not known */
	readonly size: number | null;
	/** bytes that are here; an upload goes on from this offset */
	readonly received: number;
	readonly complete: boolean;
	/** lower-case hex; null while incomplete */
	readonly sha256: string | null;
	/** id of the job that uses it: it cannot be deleted or replaced meanwhile */
	readonly usedBy: string | null;
}

/** `Content-Range: bytes first-last/total` (RFC 9110 section 14.4); `total` null for `*`. */
export interface ContentRange {
	readonly first: number;
	readonly last: number;
	readonly total: number | null;
}

/** What is known of a body before it is read. */
export interface ReceiveOptions {
	/** the body is this part of the artifact; without it the body is the whole and replaces what was there */
	readonly range?: ContentRange;
	/** bytes of the body, from Content-Length */
	readonly length?: number | null;
	/** digest that the whole artifact must have, lower-case hex */
	readonly sha256?: string;
	readonly signal?: AbortSignal;
}

export declare class ArtifactStore {
	/** Every artifact, by name; files that belong to jobs are not listed. */
	list(): Promise<ArtifactView[]>;

	/** @throws ARTIFACT_UNKNOWN, ARTIFACT_NAME */
	get(name: string): Promise<ArtifactView>;

	/**
	 * Store a body. When the source breaks off, what has arrived is kept, and a later call with `range` goes on from there.
	 *
	 * @throws ARTIFACT_NAME, ARTIFACT_BUSY, ARTIFACT_RANGE, ARTIFACT_TOO_LARGE, VERIFY_SIZE, VERIFY_SHA256
	 */
	receive(
		name: string,
		source: AsyncIterable<Uint8Array>,
		options?: ReceiveOptions,
	): Promise<ArtifactView>;

	/**
	 * Store a body that belongs to a job about to be submitted: it gets a name of its own, to be put into the request as
	 * `artifact`, is not listed, and is removed when the job ends. When the source breaks off, nothing is kept.
	 *
	 * @param role `kernel`, `ramdisk`, ...: for the name and for messages
	 * @throws as `receive`
	 */
	receiveForJob(
		role: string,
		source: AsyncIterable<Uint8Array>,
		options?: ReceiveOptions,
	): Promise<ArtifactView>;

	/** Remove what `receiveForJob` stored, when no job came of it. Unknown names are passed over. */
	discard(names: Iterable<string>): Promise<void>;

	/** @throws ARTIFACT_UNKNOWN, ARTIFACT_NAME, ARTIFACT_BUSY */
	delete(name: string): Promise<void>;

	/** The bytes of a complete artifact, mapped. @throws ARTIFACT_UNKNOWN, ARTIFACT_BUSY while incomplete */
	bytes(name: string): Promise<Uint8Array>;

	/** Bytes that may still be stored, see `memoryReserve`. */
	limit(): Promise<number>;
}

/**
 * Read a `Content-Range` header: `bytes 0-99/200`, `bytes 0-99/*`.
 *
 * @throws HTTP_REQUEST when it is not one
 */
export declare function parseContentRange(header: string): ContentRange;
