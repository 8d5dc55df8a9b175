import { readFile } from "node:fs/promises";
import { detectMimeType } from "@remix-run/mime";
import type { Routes } from "tideway/server";
