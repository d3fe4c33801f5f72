// What every page runs.
import { startTips } from "/static/js/tips.js";

startTips();
