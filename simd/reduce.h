// The reductions: 32 lanes, each a chain. dst holds the lanes and is read first, so that chunks continue one another.
// The words are in vec_*.h.

#define DOT \
	EACH(laneLoad); \
loop: \
	EACH(stepDot); \
	STEP32; \
	LANES; \
	EACH(laneStore); \
	DONE

#define SUM \
	EACH64(laneLoad); \
loop: \
	EACH64(stepSum); \
	STEP32; \
	LANES; \
	EACH64(laneStore); \
	DONE

#define SUMSQ \
	EACH64(laneLoad); \
loop: \
	EACH64(stepSq); \
	STEP32; \
	LANES; \
	EACH64(laneStore); \
	DONE
