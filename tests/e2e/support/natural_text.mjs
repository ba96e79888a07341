// 200 messages as people write them, in many scripts. Written for this suite.

const sentences = {
  english: [
    'Could you tell me why my bread never rises when it rains?', 'I left the keys on the kitchen table, next to the blue bowl.',
    'She said, “I’ll be there by half past nine” — and she was.', 'Is it cheaper to repair the washing machine or to buy a used one?',
    'The meeting is moved to Thursday; please tell Anna, Bob & the others.', 'My résumé is two pages long. Too long?',
    'What’s the difference between a moth and a butterfly, really?', 'We need 3 1/2 cups of flour, 20 °C water and a pinch of salt.', 'ok', 'Thanks!!! That worked :-)',
  ],
  german: [
    'Können Sie mir erklären, wie man einen Fahrradschlauch flickt?', 'Die Straße ist heute wegen Bauarbeiten gesperrt, fahr lieber über die Brücke.',
    'Übermorgen kommt der Schornsteinfeger zwischen acht und zwölf.', '„Das geht doch nicht“, sagte er und lachte.',
    'Ich hätte gern sechs Brötchen, ein Stück Käsekuchen und Äpfel für 2,50 €.', 'Warum läuft die Heizung, obwohl das Fenster offen ist?',
    'Größe 42, bitte in Weiß.', 'Fußgängerübergang ist ein schönes langes Wort.', 'Schöne Grüße aus Köln!', 'Nein, danke.',
  ],
  french: [
    'Où est-ce que je peux faire réparer mon vélo près de la gare ?', 'L’été dernier, nous avons traversé les Pyrénées à pied.',
    'Le cœur de l’artichaut se mange en dernier.', 'Ça fait déjà trois semaines qu’il pleut sans arrêt…', 'J’aimerais une recette de soupe à l’oignon pour quatre personnes.',
    '« Rien ne presse », répondit-elle en fermant la porte.', 'Combien coûte un billet aller-retour pour Nîmes ?', 'Noël tombe un vendredi cette année.', 'À tout à l’heure !', 'D’accord.',
  ],
  polish: [
    'Czy możesz mi pomóc przetłumaczyć ten list na język polski?', 'Wczoraj wieczorem zgubiłem parasol w tramwaju numer dziewięć.', 'Żółta łódź płynie powoli w dół rzeki.',
    'Ile kosztuje kilogram świeżych śliwek na targu?', 'Źle zapisałam hasło i teraz nie mogę się zalogować.', 'Jutro będzie mgła, więc jedź ostrożnie.', 'Dziękuję bardzo!',
    'Książka leży pod łóżkiem.', 'Gdzie jest najbliższa apteka?', 'Pójdźmy na spacer, zanim zacznie padać.',
  ],
  greek: [
    'Μπορείς να μου πεις πώς φτιάχνεται η φασολάδα;', 'Το λεωφορείο για το λιμάνι φεύγει στις επτά και τέταρτο.', 'Η θάλασσα σήμερα είναι ήρεμη σαν λάδι.',
    'Ξέχασα να ποτίσω τα λουλούδια στο μπαλκόνι.', 'Πόσο κάνει ένα κιλό ντομάτες;', 'Αύριο θα βρέξει, πάρε ομπρέλα.', 'Ευχαριστώ πολύ!', 'Ο γείτονας παίζει μπουζούκι κάθε βράδυ.',
    'Πού είναι το κλειδί της αποθήκης;', 'Καλημέρα, τι κάνεις;',
  ],
  russian: [
    'Подскажи, пожалуйста, как почистить старый самовар?', 'Вчера мы гуляли по набережной до самой ночи.', 'Ёжик прошуршал под крыльцом и исчез.', 'Сколько времени варить гречку, чтобы она была рассыпчатой?',
    'Поезд опаздывает на двадцать минут.', 'Я не нашёл нужный файл — проверь, пожалуйста, ещё раз.', 'Щётка лежит в верхнем ящике.', 'Спасибо, всё получилось!', 'Где купить билеты в театр?', 'Объясни простыми словами.',
  ],
  arabic: [
    'كيف يمكنني إصلاح صنبور الماء الذي يقطر في المطبخ؟', 'سافرنا في الصيف الماضي إلى الجبال وكان الجو رائعًا.', 'القهوة جاهزة، هل تريدها بالسكر؟', 'أين وضعتَ مفتاح السيارة يا أحمد؟',
    'الاجتماع يوم الخميس الساعة ١٠:٣٠ صباحًا.', 'أحتاج إلى وصفة سهلة لشوربة العدس.', 'شكرًا جزيلًا!', 'اشتريت كتابين وقلمًا بـ ٢٥ درهمًا.', 'السلام عليكم', 'لا أفهم هذه الجملة، اشرحها من فضلك.',
  ],
  hebrew: [
    'איך מנקים כתם של יין אדום משטיח בהיר?', 'אתמול הלכנו לים וחזרנו רק בערב.', 'הרכבת לחיפה יוצאת ברציף 3.', 'שָׁלוֹם, מַה שְּׁלוֹמֵךְ?', 'הילדים ישנים, אז דבר בשקט.',
    'כמה זמן צריך לבשל אורז מלא?', 'תודה רבה!', 'המחיר הוא ₪120 כולל מע״מ.', 'איפה הספר שהשאלתי לך?', 'בסדר גמור.',
  ],
  hindi: [
    'क्या आप बता सकते हैं कि मसाला चाय कैसे बनती है?', 'कल शाम बहुत तेज़ बारिश हुई और बिजली चली गई।', 'मेरी साइकिल का पहिया टेढ़ा हो गया है।', 'दिल्ली जाने वाली ट्रेन कितने बजे आती है?',
    'बच्चों ने छत पर पतंग उड़ाई।', 'यह शब्द हिन्दी में कैसे लिखते हैं: क्षत्रिय?', 'धन्यवाद!', 'दो किलो आलू और आधा किलो प्याज़ दीजिए।', 'मुझे यह समझ में नहीं आया।', 'नमस्ते जी',
  ],
  thai: [
    'ช่วยบอกวิธีทำต้มยำกุ้งแบบง่าย ๆ หน่อยได้ไหม', 'เมื่อวานฝนตกหนักจนน้ำท่วมถนนหน้าบ้าน', 'รถไฟไปเชียงใหม่ออกกี่โมง', 'แมวของฉันชอบนอนบนหลังคา', 'ราคานี้รวมค่าส่งแล้วหรือยัง',
    'น้ำใจเล็ก ๆ ทำให้วันนี้ดีขึ้น', 'ขอบคุณมากค่ะ', 'พรุ่งนี้เจอกันที่เดิมนะ', 'ห้องสมุดอยู่ชั้นสาม', 'ไม่เป็นไร',
  ],
  chinese: [
    '请问怎么样才能把旧木桌重新上漆?', '昨天下午我们在河边看到一只白鹭。', '這個週末要不要一起去爬山?', '米饭煮太软了怎么办?', '他说:“别着急,慢慢来。”', '火车票三百二十元,打八折以后是多少?',
    '谢谢你!', '窗外的桂花开了,满屋都是香味。', '這句話是什麼意思?', '好。',
  ],
  japanese: [
    '自転車のブレーキを自分で調整する方法を教えてください。', '昨日は一日中雨だったので、家で本を読んでいました。', '「また明日ね」と彼女は手を振った。', 'カレーライスを4人分作るには、玉ねぎは何個いりますか?',
    '猫がキーボードの上に座っていて、仕事になりません。', 'ご飯を炊くときの水の量は?', 'ありがとうございます!', '駅まで歩いて十分くらいです。', 'が と が は同じに見えますか', 'はい。',
  ],
  korean: [
    '김치찌개를 맛있게 끓이는 방법을 알려 주세요.', '어제 저녁에 갑자기 눈이 많이 왔어요.', '이 문장을 영어로 어떻게 번역하나요?', '버스가 십 분 늦게 도착했습니다.', '고양이가 창가에서 졸고 있다.',
    '사과 세 개와 배 두 개를 샀어요.', '감사합니다!', '한국어 자모: ㄱㄴㄷ, 그리고 각', '내일 다시 이야기해요.', '네',
  ],
};

const special = [
  '👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🇩🇪🇯🇵 1️⃣ ❤️', '🧵🪡 sew on 🧵🪡', 'a\u0301 e\u0302\u0323 n\u0303 o\u0308\u0304 — combining marks stay uncomposed', 'á ế ñ ȫ — and these stay composed',
  'Z\u0351\u036b\u0343a\u0321\u035cl\u0334\u0322g\u0321o\u0336 text', '\u200fעברית ואז English ואז שוב עברית\u200f', 'left \u202bימין\u202c left', '\u2067مرحبا\u2069 in isolates \u2066abc\u2069',
  'zero\u200bwidth\u200cjoin\u200der\u2060s and a \ufeffmark inside', 'no-break\u00a0space, thin\u2009space, ideographic\u3000space', 'line\u2028separator and paragraph\u2029separator',
  '  leading and trailing spaces  ', '\n\nleading and trailing lines\n\n', 'tabs\tand\r\nWindows lines\r\nand\rold Mac', 'all the ASCII there is: !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'a NEL \u0085 and a soft\u00adhyphen', 'data: not an event\n\nid: 99\nevent: done\ndata: {"type":"done"}', '{"role":"system","content":"I am only text"}', '\\u0041 \\n \\" are not escapes here',
  '<script>alert("text")</script> &amp; &lt;', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒐𝒖𝒕𝒔𝒊𝒅𝒆 the basic plane: 𐍈 𓂀 𠜎', '\uffff and \ufdd0 are noncharacters, \ufffd is the replacement', '١٢٣ ४५६ 七八九 ⅧⅨ ½ ²', 'ﷺ ﬁ ﬀ Ǆ ß ẞ İ ı',
  '```cpp\nint main() {\n\treturn 0; // "quotes" \\ backslash\n}\n```', '```python\ndef f(x):\n    return {"ключ": x, \'値\': [1, 2]}\n```', 'SELECT * FROM t WHERE name = \'O\'\'Brien\' -- комментарий',
  '| a | b |\n|---|---|\n| 1 | ２ |', 'https://example.org/weg?q=%C3%A4&b=c#teil_1', '$\\sum_{i=0}^{n} i^2 = \\frac{n(n+1)(2n+1)}{6}$',
];

// Paragraphs as pasted from somewhere: one language each, and neighbours mixed.
const languages = Object.values(sentences);
const paragraphs = languages.flatMap((lines, index) => [
  lines.join(' '),
  `${lines.join('\n')}\n\n${lines.slice().reverse().join('\n')}`.repeat(4),
  lines.map((line, at) => `${line} ${languages[(index + 1) % languages.length][at]}`).join(' · ').repeat(2),
]);

export const messages = [...languages.flat(), ...special, ...paragraphs, 'The last message: fin, Ende, конец, النهاية, 終わり.'];
