// Other words for categories, in folded form (see categories.js), as JSON between the braces: the Python package reads
// this file too (sketchrnn/model/categories.py).

export const SYNONYMS = {
  "aeroplane": "airplane", "alligator": "crocodile", "ape": "monkey", "auto": "car", "automobile": "car", "bag": "purse",
  "balloon": "hot air balloon", "bike": "bicycle", "bin": "bucket", "blossom": "flower", "boat": "sailboat",
  "bolt": "lightning", "boot": "shoe", "bug": "ant", "bulb": "light bulb", "bull": "cow", "bunny": "rabbit",
  "burger": "hamburger", "cab": "car", "calf": "cow", "candy": "lollipop", "chick": "bird",
  "chimp": "monkey", "clover": "leaf", "cycle": "bicycle", "daisy": "flower", "doughnut": "donut", "duckling": "duck",
  "emoji": "smiley face", "fiddle": "violin", "fir": "tree", "football": "soccer ball", "glasses": "eyeglasses",
  "goose": "swan", "handbag": "purse", "hare": "rabbit", "head": "face", "hill": "mountain", "hippo": "rhinoceros",
  "hog": "pig", "home": "house", "hound": "dog", "hut": "house", "insect": "ant", "jeans": "pants", "jet": "airplane",
  "jumper": "sweater", "kitten": "cat", "kitty": "cat", "lamb": "sheep", "lamp": "floor lamp", "locomotive": "train",
  "lorry": "truck", "mobile": "cell phone", "motorcycle": "motorbike", "notebook": "laptop", "oak": "tree",
  "pail": "bucket", "palm": "palm tree", "pc": "computer", "phone": "telephone", "piglet": "pig", "plane": "airplane",
  "plant": "house plant", "pony": "horse", "pullover": "sweater", "puppy": "dog", "rhino": "rhinoceros", "rose": "flower",
  "sea": "ocean", "ship": "cruise ship", "shirt": "t-shirt", "smartphone": "cell phone", "smile": "smiley face",
  "sneaker": "shoe", "sofa": "couch", "sparrow": "bird", "spectacles": "eyeglasses", "sweet": "lollipop", "tap": "sink",
  "taxi": "car", "teddy": "teddy-bear", "thunder": "lightning", "tortoise": "sea turtle", "trainer": "shoe",
  "tram": "train", "trousers": "pants", "turtle": "sea turtle", "tv": "television", "ufo": "flying saucer",
  "wasp": "bee", "watch": "wristwatch", "wave": "ocean", "wine": "wine glass", "yacht": "sailboat"
};
