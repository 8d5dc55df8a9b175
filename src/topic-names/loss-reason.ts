/**
 * Why a subscriber cannot continue after its position.
 *
 * - `epoch-changed`: the topic is in another epoch than the position, because the broker may have lost
 *   publications, such as the memory broker at a restart.
 * - `position-ahead`: the position is after the topic's last publication, so the broker has lost publications.
 * - `missing`: the history no longer has all publications after the position.
 * - `invalid-position`: the value is not a position.
 */
export type LossReason = "epoch-changed" | "position-ahead" | "missing" | "invalid-position";
